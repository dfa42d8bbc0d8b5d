// Prompt lookup (Saxena 2023): what stood behind the latest tokens when they came before is likely to come again, as in edits and summaries.

/** Tokens that must have come before in a row. */
const MIN_MATCH = 2;

/** Longer matches are not told apart. */
const MAX_MATCH = 8;

/**
 * Up to `n` tokens that followed the end of `tokens` where it came before: of its longest repetition, the latest. None if not even the
 * last two tokens came before. Costs one comparison with each token.
 * @example lookUpDraft([5, 6, 7, 8, 5, 6], 3) // [7, 8, 5]
 */
export function lookUpDraft(tokens: ArrayLike<number>, n: number): number[] {
  const end = tokens.length - 1;
  const last = tokens[end];
  let longest = MIN_MATCH - 1;
  let found = -1; // where what follows the repetition begins
  for (let i = end - 1; i >= longest && longest < MAX_MATCH; i--) {
    if (tokens[i] !== last) continue;
    let length = 1;
    while (length < MAX_MATCH && length <= i && tokens[i - length] === tokens[end - length]) length++;
    if (length <= longest) continue;
    longest = length;
    found = i + 1;
  }
  if (found < 0) return [];
  return Array.from({ length: Math.min(n, end + 1 - found) }, (_, i) => tokens[found + i]!);
}
