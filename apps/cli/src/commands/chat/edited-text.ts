// A text with a cursor in it. The cursor moves by what a person takes for one character, such as a letter with its accents.

/** More is not taken: no context holds it. */
export const MAX_INPUT_CHARS: number = 1024 * 1024;

/** Longest character that is looked for, in UTF-16 units: a family of emoji has 11 and more. */
const MAX_CHARACTER = 64;

const GRAPHEMES = /* @__PURE__ */ new Intl.Segmenter("und", { granularity: "grapheme" });

export class EditedText {
  #text = "";
  #cursor = 0; // in UTF-16 units
  #deleted = ""; // what `yank` brings back

  get text(): string {
    return this.#text;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Puts another text in place of all, the cursor behind it. */
  replace(text: string): void {
    this.#text = text;
    this.#cursor = text.length;
  }

  /** False if not all of it was taken. */
  insert(text: string): boolean {
    const taken = text.slice(0, Math.max(0, MAX_INPUT_CHARS - this.#text.length));
    this.#text = this.#text.slice(0, this.#cursor) + taken + this.#text.slice(this.#cursor);
    this.#cursor += taken.length;
    return taken.length === text.length;
  }

  left(): void {
    this.#cursor = this.#before();
  }

  right(): void {
    this.#cursor = this.#after();
  }

  /** Of the line that the cursor is in. */
  home(): void {
    this.#cursor = this.#lineStart();
  }

  end(): void {
    this.#cursor = this.#lineEnd();
  }

  wordLeft(): void {
    this.#cursor = this.#wordBefore();
  }

  wordRight(): void {
    this.#cursor = this.#wordAfter();
  }

  /** To the line above or below, as far from its beginning; false if there is none. */
  up(): boolean {
    const start = this.#lineStart();
    if (start === 0) return false;
    const above = this.#text.lastIndexOf("\n", start - 2) + 1;
    this.#cursor = Math.min(above + this.#cursor - start, start - 1);
    return true;
  }

  down(): boolean {
    const end = this.#lineEnd();
    if (end === this.#text.length) return false;
    const column = this.#cursor - this.#lineStart();
    this.#cursor = end + 1;
    this.#cursor = Math.min(this.#cursor + column, this.#lineEnd());
    return true;
  }

  backspace(): void {
    this.#remove(this.#before(), this.#cursor);
  }

  delete(): void {
    this.#remove(this.#cursor, this.#after());
  }

  deleteWord(): void {
    this.#cut(this.#wordBefore(), this.#cursor);
  }

  deleteWordRight(): void {
    this.#cut(this.#cursor, this.#wordAfter());
  }

  deleteToStart(): void {
    this.#cut(this.#lineStart(), this.#cursor);
  }

  deleteToEnd(): void {
    this.#cut(this.#cursor, this.#lineEnd());
  }

  yank(): boolean {
    return this.insert(this.#deleted);
  }

  #cut(from: number, to: number): void {
    if (from < to) this.#deleted = this.#text.slice(from, to);
    this.#remove(from, to);
  }

  #remove(from: number, to: number): void {
    this.#text = this.#text.slice(0, from) + this.#text.slice(to);
    this.#cursor = from;
  }

  #before(): number {
    const from = Math.max(0, this.#cursor - MAX_CHARACTER);
    const characters = [...GRAPHEMES.segment(this.#text.slice(from, this.#cursor))];
    return this.#cursor - (characters.at(-1)?.segment.length ?? 0);
  }

  #after(): number {
    const [character] = GRAPHEMES.segment(this.#text.slice(this.#cursor, this.#cursor + MAX_CHARACTER));
    return this.#cursor + (character?.segment.length ?? 0);
  }

  #wordBefore(): number {
    let at = this.#cursor;
    while (at > 0 && /\s/.test(this.#text.charAt(at - 1))) at--;
    while (at > 0 && !/\s/.test(this.#text.charAt(at - 1))) at--;
    return at;
  }

  #wordAfter(): number {
    let at = this.#cursor;
    while (at < this.#text.length && /\s/.test(this.#text.charAt(at))) at++;
    while (at < this.#text.length && !/\s/.test(this.#text.charAt(at))) at++;
    return at;
  }

  #lineStart(): number {
    return this.#cursor === 0 ? 0 : this.#text.lastIndexOf("\n", this.#cursor - 1) + 1;
  }

  #lineEnd(): number {
    const end = this.#text.indexOf("\n", this.#cursor);
    return end === -1 ? this.#text.length : end;
  }
}
