// The body of a streamed answer: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). Whoever writes never
// waits for a reader: what is not read is kept, up to a bound.

/** Unread bytes of an answer; a reader that has more to read is given up. */
const MOST_UNREAD_BYTES = 2 ** 20;

/** Milliseconds after which a reader that reads nothing of what there is to read is given up. */
const STALLED_MS = 60_000;

export interface EventStreamOptions {
  /** Milliseconds of silence after which a comment says that there is life. */
  readonly pingMs: number;
  /** Called once: the reader has left, or is given up. */
  readonly onGone: (reason: unknown) => void;
}

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

export class EventStream {
  readonly #body: ReadableStream<Uint8Array>;
  readonly #onGone: (reason: unknown) => void;
  readonly #encoder = new TextEncoder();
  readonly #timer: ReturnType<typeof setInterval>;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #state: "open" | "closed" | "gone" = "open";
  #wake: (() => void) | undefined;
  #fail: (reason: unknown) => void = () => undefined;
  #sentAt = Date.now();
  /** When there was something to read at last, or something was read. */
  #movedAt = Date.now();

  constructor({ pingMs, onGone }: EventStreamOptions) {
    this.#onGone = onGone;
    this.#timer = setInterval(() => this.#tick(pingMs), Math.min(pingMs, STALLED_MS));
    this.#body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#fail = (reason) => controller.error(reason);
        },
        pull: (controller) => this.#pull(controller),
        cancel: (reason) => this.#leave(reason),
      },
      { highWaterMark: 0 }, // so that a pull means that somebody reads
    );
  }

  /** The answer whose body this is. */
  response(headers: Readonly<Record<string, string>> = {}): Response {
    return new Response(this.#body, { headers: { ...HEADERS, ...headers } });
  }

  /** `data: JSON`, with the name of the event in front if it has one. */
  send(data: object | "[DONE]", event?: string): void {
    const name = event === undefined ? "" : `event: ${event}\n`;
    this.#write(`${name}data: ${data === "[DONE]" ? data : JSON.stringify(data)}\n\n`);
  }

  ping(): void {
    this.#write(": ping\n\n");
  }

  /** The end; what is unread can still be read. */
  close(): void {
    if (this.#state === "open") this.#state = "closed";
    clearInterval(this.#timer);
    this.#wake?.();
  }

  /** The reader has left, or is given up. */
  get isGone(): boolean {
    return this.#state === "gone";
  }

  /** Ends as a connection does that was torn; at once, since nobody may be reading. */
  abort(reason: unknown): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.#unread = [];
    clearInterval(this.#timer);
    this.#fail(reason);
    this.#wake?.();
  }

  #write(text: string): void {
    if (this.#state !== "open") return;
    const bytes = this.#encoder.encode(text);
    this.#sentAt = Date.now();
    if (this.#unread.length === 0) this.#movedAt = this.#sentAt;
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    if (this.#unreadBytes > MOST_UNREAD_BYTES) this.#leave(new Error("the answer is not read"));
    this.#wake?.();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (this.#unread.length === 0 && this.#state === "open") {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
    const bytes = this.#unread.shift();
    if (this.#state === "gone") return;
    if (bytes === undefined) controller.close();
    else {
      this.#unreadBytes -= bytes.length;
      this.#movedAt = Date.now();
      controller.enqueue(bytes);
    }
  }

  #tick(pingMs: number): void {
    const now = Date.now();
    if (this.#unread.length === 0) {
      if (now - this.#sentAt >= pingMs) this.ping();
    } else if (now - this.#movedAt >= STALLED_MS) this.#leave(new Error("the answer is not read"));
  }

  #leave(reason: unknown): void {
    if (this.#state === "gone") return;
    this.abort(reason);
    this.#onGone(reason);
  }
}
