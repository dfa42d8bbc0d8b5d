// A terminal as standard input, read key by key. However the program ends or is suspended, the terminal is given back as it was.

/** Pasted text comes between ESC [ 200 ~ and ESC [ 201 ~ (xterm's bracketed paste). */
const BRACKETED_PASTE = { on: "\x1b[?2004h", off: "\x1b[?2004l" } as const;

/** After a stop that nobody made, such as that of a program without a shell above it, the terminal is taken back so soon. */
const UNSTOPPED_MS = 100;

export interface RawTerminal {
  /** Stops the program as Ctrl-Z does elsewhere, until the shell lets it go on. */
  suspend(): void;
  /** Gives the terminal back for good. */
  close(): void;
}

export interface RawTerminalOptions {
  /** Takes what is typed: whole characters. */
  readonly onText: (text: string) => void;
  readonly onEnd: () => void;
  /** The program goes on after a stop: what stands on the screen is not known. */
  readonly onContinue: () => void;
  /** Asks this screen to mark what is pasted. */
  readonly pasteMarks?: { write(sequence: string): unknown };
}

/** Reads standard input, which is a terminal, from here on. */
export function openRawTerminal({ onText, onEnd, onContinue, pasteMarks }: RawTerminalOptions): RawTerminal {
  const { stdin } = process;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let isOpen = true;
  let isRaw = false;
  let unstopped: NodeJS.Timeout | undefined;

  const enter = (): void => {
    stdin.setRawMode(true);
    pasteMarks?.write(BRACKETED_PASTE.on);
    isRaw = true;
  };
  const leave = (): void => {
    if (!isRaw) return;
    isRaw = false;
    try {
      pasteMarks?.write(BRACKETED_PASTE.off);
      stdin.setRawMode(false);
    } catch {
      // the terminal is gone, as after SIGHUP
    }
  };
  const goOn = (): void => {
    clearTimeout(unstopped);
    leave(); // another program may have set other modes: the same ones again would change nothing
    enter();
    onContinue();
  };
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(unstopped);
    process.off("SIGCONT", goOn);
    process.off("exit", close);
    leave();
    stdin.destroy();
  };

  enter();
  stdin.on("data", (chunk: Uint8Array) => onText(decoder.decode(chunk, { stream: true })));
  stdin.on("end", onEnd);
  stdin.on("error", onEnd);
  process.on("SIGCONT", goOn);
  process.on("exit", close);
  return {
    suspend() {
      if (!isOpen) return;
      leave();
      process.kill(0, "SIGTSTP"); // all that runs on the terminal, as the terminal itself would
      // SIGCONT comes before the second wait is over
      unstopped = setTimeout(() => {
        unstopped = setTimeout(goOn, UNSTOPPED_MS);
      }, UNSTOPPED_MS);
    },
    close,
  };
}
