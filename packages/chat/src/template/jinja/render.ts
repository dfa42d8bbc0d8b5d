// One rendering: variables in, text out.

import { TemplateError } from "../template-error.ts";
import { LimitedInterpreter } from "./interpreter.ts";
import { Environment } from "./library.ts";
import { Allowance, MAX_RANGE, overLimit } from "./limits.ts";
import { parseTemplate, templateError } from "./program.ts";
import { strftime } from "./strftime.ts";

export interface RenderOptions {
  /** Of `strftime_now`. Default: the clock. */
  readonly date?: (() => Date) | undefined;
  /** Milliseconds from any origin, for the limit of time. */
  readonly now?: (() => number) | undefined;
}

/** @param variables plain data: strings, numbers, booleans, null, lists and mappings of such */
export type Rendering = (variables: Readonly<Record<string, unknown>>) => string;

const MAX_FORMAT_CHARS = 256;

/**
 * A template of chats as Hugging Face's transformers renders it: Jinja with `trim_blocks` and `lstrip_blocks`. It is hostile: see `limits.ts`.
 * @throws TemplateError; so does the rendering
 */
export function compileTemplate(source: string, options: RenderOptions = {}): Rendering {
  const { date = () => new Date(), now = () => performance.now() } = options;
  const program = parseTemplate(source);
  return (variables) => {
    const size = sizeOf(variables);
    const allowance = new Allowance(size.values, size.chars, now);
    try {
      const global = new Environment();
      const all = { ...variables, ...globals(date, (n) => allowance.bytes(64 * n)) };
      for (const [name, value] of Object.entries(all)) if (value !== undefined) global.set(name, value);
      return new LimitedInterpreter(program, global, allowance).render();
    } catch (error) {
      throw templateError(error, "E_TEMPLATE_RAISED");
    }
  };
}

/** What templates of transformers find beside their variables. */
function globals(date: () => Date, take: (values: number) => void): Record<string, unknown> {
  return {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    raise_exception(message: unknown) {
      throw new TemplateError(
        "E_TEMPLATE_RAISED",
        `the chat template refuses the conversation: ${String(message).slice(0, 400)}`,
      );
    },
    strftime_now(format: unknown) {
      if (typeof format !== "string" || format.length > MAX_FORMAT_CHARS) {
        throw new TypeError(`strftime_now expected a format of at most ${MAX_FORMAT_CHARS} characters`);
      }
      return strftime(date(), format);
    },
    range(...bounds: unknown[]) {
      const numbers = bounds.map((bound) => {
        if (!Number.isInteger(bound)) throw new TypeError("range expected integers");
        return bound as number;
      });
      const [start, stop, step] = numbers.length === 1 ? [0, numbers[0] as number, 1] : [...numbers, 1];
      if (start === undefined || stop === undefined || step === undefined || step === 0) {
        throw new TypeError("range expected one to three integers, and a step that is not 0");
      }
      const length = Math.max(0, Math.ceil((stop - start) / step));
      if (length > MAX_RANGE) overLimit("range");
      take(length);
      return Array.from({ length }, (_, i) => start + i * step);
    },
  };
}

function sizeOf(value: unknown): { readonly values: number; readonly chars: number } {
  let values = 0;
  let chars = 0;
  const visit = (one: unknown): void => {
    values++;
    if (typeof one === "string") chars += one.length;
    else if (typeof one === "object" && one !== null) {
      for (const [key, inner] of Object.entries(one)) {
        chars += key.length;
        visit(inner);
      }
    }
  };
  visit(value);
  return { values, chars };
}
