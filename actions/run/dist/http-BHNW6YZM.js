import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url),__dirname=import.meta.dirname;
import{httpStep,judge,sendOrFail}from"./chunk-7IWY4I7L.js";import"./chunk-HIPJ2GM5.js";import"./chunk-GGTIOFD5.js";import"./chunk-PNR7VT37.js";import"./chunk-ISMRLNU7.js";export{httpStep,judge,sendOrFail};
