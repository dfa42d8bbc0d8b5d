// Markdown of a model to HTML. The text is a stranger's: HTML in it is shown as it stands, images are links, and links lead to the web or to
// a mail program only. What is too long or too deep to be read quickly is left as text.

import DOMPurify from "dompurify";
import {
  Lexer,
  type MarkedOptions,
  Parser,
  Renderer,
  type Token,
  Tokenizer,
  type Tokens,
  type TokensList,
} from "marked";
import { text } from "../text.ts";

/** A part of a text, such as a paragraph or a list. */
export interface Block {
  readonly raw: string;
  /** undefined: `raw` is shown as it stands. */
  readonly html: TrustedText | undefined;
}

/** A string, or a `TrustedHTML` where the browser has these. */
type TrustedText = string;

/** Characters of a text that is read as Markdown, of a paragraph in which marks are looked for, and levels of quotes and lists. */
const MAX_CHARS = 100_000;
const MAX_INLINE_CHARS = 10_000;
const MAX_DEPTH = 12;

/** Characters of a part of a text that is left as it is. */
const MAX_PLAIN_CHARS = 4000;

const SAFE_LINK = /^(?:https?:\/\/|mailto:)/i;

/** Headings of the page itself are above those of an answer. */
const HEADING_OFFSET = 2;

class SafeRenderer extends Renderer {
  override html({ text: html }: Tokens.HTML | Tokens.Tag): string {
    return escaped(html);
  }

  override link({ href, tokens }: Tokens.Link): string {
    const inner = this.parser.parseInline(tokens);
    return anchor(href, inner);
  }

  override image({ href, text: alt }: Tokens.Image): string {
    return anchor(href, escaped(alt || href));
  }

  override heading({ tokens, depth }: Tokens.Heading): string {
    const level = Math.min(6, depth + HEADING_OFFSET);
    return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
  }

  override code({ text: code, lang = "" }: Tokens.Code): string {
    const [language = ""] = lang.split(/\s/);
    const head = `<div class="code-head"><span>${escaped(language)}</span><button type="button" class="copy-code">${text.copyCode}</button></div>`;
    return `<div class="code">${head}<pre tabindex="0"><code>${escaped(code)}\n</code></pre></div>`;
  }

  override table(token: Tokens.Table): string {
    return `<div class="table" tabindex="0">${super.table(token)}</div>`;
  }
}

function anchor(href: string, inner: string): string {
  if (!SAFE_LINK.test(href)) return `${inner} (${escaped(href)})`;
  const address = escaped(href);
  return `<a href="${address}" title="${address}" target="_blank" rel="noopener noreferrer nofollow">${inner}</a>`;
}

function escaped(raw: string): string {
  return raw.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

/** Leaves what would take long to read as text. */
class BoundedLexer extends Lexer {
  #depth = 0;

  override blockTokens(source: string, tokens?: Token[], isLast?: boolean): Token[];
  override blockTokens(source: string, tokens?: TokensList, isLast?: boolean): TokensList;
  override blockTokens(source: string, tokens: Token[] | TokensList = [], isLast = false): Token[] | TokensList {
    if (this.#depth >= MAX_DEPTH) {
      tokens.push({ type: "text", raw: source, text: source, escaped: false });
      return tokens;
    }
    this.#depth++;
    try {
      return super.blockTokens(source, tokens as Token[], isLast);
    } finally {
      this.#depth--;
    }
  }

  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    if (source.length > MAX_INLINE_CHARS || this.#depth >= MAX_DEPTH) {
      tokens.push({ type: "text", raw: source, text: source, escaped: false });
      return tokens;
    }
    this.#depth++;
    try {
      return super.inlineTokens(source, tokens);
    } finally {
      this.#depth--;
    }
  }
}

const OPTIONS: MarkedOptions = { gfm: true, breaks: true, renderer: new SafeRenderer(), tokenizer: new Tokenizer() };

const PURIFY = {
  ALLOWED_TAGS: [
    ..."p br strong em del code pre ul ol li blockquote h3 h4 h5 h6 hr a input".split(" "),
    ..."table thead tbody tr th td div span button".split(" "),
  ],
  ALLOWED_ATTR: "href title target rel class type disabled checked align start tabindex".split(" "),
  RETURN_TRUSTED_TYPE: true,
};

/**
 * @param known what an earlier, shorter text became: blocks that cannot have changed are taken over
 */
export function renderMarkdown(source: string, known: readonly Block[] = []): readonly Block[] {
  if (source.length > MAX_CHARS) return plainBlocks(source);
  const normal = source.replace(/\r\n|\r/g, "\n");
  const kept: Block[] = [];
  let at = 0;
  // the last blocks may still grow into something else
  for (const block of known.slice(0, -2)) {
    if (!normal.startsWith(block.raw, at)) break;
    kept.push(block);
    at += block.raw.length;
  }
  const rest = normal.slice(at);
  try {
    return [...kept, ...new BoundedLexer(OPTIONS).lex(rest).map(blockOf)];
  } catch {
    return [...kept, ...plainBlocks(rest)]; // marked gives up on few texts; none is worth an error
  }
}

/** In parts, each at the end of a line where it has one: those out of view cost no layout, of a line of a million characters either. */
function plainBlocks(source: string): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < source.length; ) {
    const part = source.slice(at, at + MAX_PLAIN_CHARS);
    const line = part.lastIndexOf("\n") + 1;
    const isSplit = /[\ud800-\udbff]$/.test(part); // half a character
    const raw = part.slice(0, line > 0 ? line : part.length - (isSplit && part.length > 1 ? 1 : 0));
    blocks.push({ raw, html: undefined });
    at += raw.length;
  }
  return blocks;
}

function blockOf(token: Token): Block {
  const html = Parser.parse([token], OPTIONS);
  return { raw: token.raw, html: DOMPurify.sanitize(html, PURIFY) as unknown as TrustedText };
}
