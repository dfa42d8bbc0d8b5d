// Counting by shapes: whole tensors, pieces and rows of them are all measured here.

/** Values in a tensor, or rows in the leading dimensions of one: the product of `sizes`. */
export function product(sizes: readonly number[]): number {
  return sizes.reduce((result, size) => result * size, 1);
}
