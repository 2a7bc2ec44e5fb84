import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url),__dirname=import.meta.dirname;
import{answerOf,shellStep}from"./chunk-GPDVHXZL.js";import"./chunk-5M4Q2EXG.js";import"./chunk-7YLHCOQY.js";import"./chunk-GDGY73HB.js";import"./chunk-ISMRLNU7.js";export{answerOf,shellStep};
