// Which template a model is talked to by.

import type { ChatTemplates } from "@ll/model";
import type { Tokenizer } from "@ll/tokenizer";
import type { ChatTemplate } from "./template/chat-template.ts";
import type { Template } from "./template/pattern-template.ts";

export interface TemplateOptions {
  /** A name, or data. Default: the file's own, else "plain". */
  readonly template?: string | Template | ChatTemplate | undefined;
  /** What the file's template takes for the time of now. Default: the clock; fixed, the same prompt comes every day. */
  readonly date?: (() => Date) | undefined;
  /** Control tokens that people type become control tokens, and may forge turns. Default false. */
  readonly unsafe?: boolean | undefined;
}

/**
 * The template that was asked for; else the file's own, or a plain transcript, which `warning` gives the reason of.
 * @throws TypeError for a name that is none
 */
export async function chooseTemplate(
  templates: ChatTemplates,
  tokenizer: Tokenizer,
  { template: asked, date, unsafe }: TemplateOptions,
): Promise<{ readonly template: ChatTemplate; readonly warning?: string }> {
  if (typeof asked === "object" && "render" in asked) return { template: asked };
  let reason = "the file has no chat template";
  if (asked === undefined && templates.main !== undefined) {
    const { isTemplateError, jinjaTemplate } = await import("./jinja.ts");
    try {
      return { template: jinjaTemplate({ ...templates, main: templates.main }, tokenizer, { date, unsafe }) };
    } catch (error) {
      if (!isTemplateError(error)) throw error;
      reason = error.message;
    }
  }
  const { patternTemplate } = await import("./templates.ts");
  if (asked !== undefined) return { template: patternTemplate(asked) };
  return { template: patternTemplate("plain"), warning: `${reason}: conversations are written as a plain transcript` };
}
