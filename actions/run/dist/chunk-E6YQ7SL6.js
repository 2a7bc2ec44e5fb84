import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url),__dirname=import.meta.dirname;
var OUTPUT_DEFAULT="image";export{OUTPUT_DEFAULT};
