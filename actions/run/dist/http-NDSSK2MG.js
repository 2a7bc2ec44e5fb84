import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url),__dirname=import.meta.dirname;
import{httpStep,judge,sendOrFail}from"./chunk-NF3PQSC6.js";import"./chunk-HIPJ2GM5.js";import"./chunk-GGTIOFD5.js";import"./chunk-PNR7VT37.js";import"./chunk-QYW6QNCQ.js";export{httpStep,judge,sendOrFail};
