// What a conversation consists of.

export interface Turn {
  readonly user: string;
  /** What was thought before the answer, if the model thinks. */
  readonly reasoning?: string | undefined;
  /** As generated, with white space at its ends; without it where the model's format is known. */
  readonly answer: string;
}
