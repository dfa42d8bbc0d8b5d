// @ll/chat/templates: conversations as prompts. Loaded when a model needs one.

export type { ChatTemplate, RenderedPrompt, RenderRequest, TemplateTool } from "./template/chat-template.ts";
export { patternTemplate, TEMPLATES, type Template } from "./template/pattern-template.ts";
