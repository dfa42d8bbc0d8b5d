// A text of a model, drawn block by block: while it grows, blocks that are complete are left alone, and a selection in them stays.

import { Component, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { text } from "../text.ts";
import { type Block, renderMarkdown } from "./markdown.ts";

interface MarkdownTextProps {
  readonly source: string;
  readonly isGrowing: boolean;
  /** Read it only when it comes near the view, and show it as it stands until then: long conversations open at once. */
  readonly isLazy: boolean;
}

export function MarkdownText({ source, isGrowing, isLazy }: MarkdownTextProps): JSX.Element {
  const known = useRef<{ source: string; blocks: readonly Block[]; isGrowing: boolean }>(undefined);
  const box = useRef<HTMLDivElement>(null);
  const [isNear, setIsNear] = useState(!isLazy);
  useEffect(
    () => (isNear || box.current === null ? undefined : whenNear(box.current, () => setIsNear(true))),
    [isNear],
  );
  if (!isNear) {
    return (
      <div class="prose plain" dir="auto" ref={box}>
        {source}
      </div>
    );
  }
  const last = known.current;
  if (last === undefined || last.source !== source || last.isGrowing !== isGrowing) {
    // at its end a text is read as a whole: a definition of a link may stand anywhere
    known.current = { source, blocks: renderMarkdown(source, isGrowing ? last?.blocks : []), isGrowing };
  }
  return (
    <div class="prose" dir="auto">
      {known.current?.blocks.map((block, i) => (
        <BlockView key={i} block={block} isFirst={i === 0} />
      ))}
    </div>
  );
}

const waiting = new Map<Element, () => void>();
const NEAR = "1000px";

/** Observes what is wanted soon; made when something first waits. */
let observer: IntersectionObserver | undefined;

/** Calls back once the view comes near. Returns what forgets it. */
function whenNear(element: Element, callback: () => void): () => void {
  const options: IntersectionObserverInit & { readonly scrollMargin: string } = {
    rootMargin: NEAR,
    scrollMargin: NEAR,
  };
  observer ??= new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) waiting.get(target)?.();
  }, options);
  waiting.set(element, callback);
  observer.observe(element);
  return () => {
    waiting.delete(element);
    observer?.unobserve(element);
  };
}

interface BlockViewProps {
  readonly block: Block;
  readonly isFirst: boolean;
}

class BlockView extends Component<BlockViewProps> {
  override shouldComponentUpdate({ block }: BlockViewProps): boolean {
    const { raw, html } = this.props.block;
    return block.raw !== raw || String(block.html) !== String(html);
  }

  override render({ block: { raw, html }, isFirst }: BlockViewProps): JSX.Element {
    if (html === undefined) {
      return (
        <div>
          {isFirst && <p class="hint">{text.tooLongForMarkdown}</p>}
          <p class="plain part">{raw}</p>
        </div>
      );
    }
    // it went through DOMPurify
    return <div class="block" dir="auto" dangerouslySetInnerHTML={{ __html: html }} />;
  }
}
