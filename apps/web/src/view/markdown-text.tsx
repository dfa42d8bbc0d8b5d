// A text of a model, drawn block by block: while it grows, blocks that are complete are left alone, and a selection in them stays.

import { Component, type JSX } from "preact";
import { useRef } from "preact/hooks";
import { text } from "../text.ts";
import { type Block, renderMarkdown } from "./markdown.ts";

export function MarkdownText({
  source,
  isGrowing,
}: {
  readonly source: string;
  readonly isGrowing: boolean;
}): JSX.Element {
  const known = useRef<{ source: string; blocks: readonly Block[]; isGrowing: boolean }>(undefined);
  const last = known.current;
  if (last === undefined || last.source !== source || last.isGrowing !== isGrowing) {
    // at its end a text is read as a whole: a definition of a link may stand anywhere
    known.current = { source, blocks: renderMarkdown(source, isGrowing ? last?.blocks : []), isGrowing };
  }
  return (
    <div class="prose" dir="auto">
      {known.current?.blocks.map((block, i) => (
        <BlockView key={i} block={block} />
      ))}
    </div>
  );
}

class BlockView extends Component<{ readonly block: Block }> {
  override shouldComponentUpdate({ block }: { readonly block: Block }): boolean {
    const { raw, html } = this.props.block;
    return block.raw !== raw || String(block.html) !== String(html);
  }

  override render({ block: { raw, html } }: { readonly block: Block }): JSX.Element {
    if (html === undefined) {
      return (
        <div>
          <p class="hint">{text.tooLongForMarkdown}</p>
          <p class="plain">{raw}</p>
        </div>
      );
    }
    // it went through DOMPurify
    return <div class="block" dir="auto" dangerouslySetInnerHTML={{ __html: html }} />;
  }
}
