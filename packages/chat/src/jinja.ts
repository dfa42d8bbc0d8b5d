// @ll/chat/jinja: the templates that files carry. Loaded when a file has one.

export { type JinjaTemplate, type JinjaTemplateOptions, jinjaTemplate } from "./template/jinja-template.ts";
export { isTemplateError, TemplateError, type TemplateErrorCode } from "./template/template-error.ts";
