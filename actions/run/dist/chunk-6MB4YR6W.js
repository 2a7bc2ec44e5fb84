import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url),__dirname=import.meta.dirname;
var ARTIFACT_NAME={type:"string",minLength:1,maxLength:200,pattern:"^[^/\\\\\\p{Cc}]+$"};export{ARTIFACT_NAME};
