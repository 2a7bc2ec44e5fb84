import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url),__dirname=import.meta.dirname;
import{answerOf,shellStep}from"./chunk-TPOECPSN.js";import"./chunk-5M4Q2EXG.js";import"./chunk-RXCTHYMH.js";import"./chunk-GDGY73HB.js";import"./chunk-QYW6QNCQ.js";export{answerOf,shellStep};
