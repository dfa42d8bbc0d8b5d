// Several open files that belong together.

/**
 * Closes every file, also when closing one of them fails. Node ends a process in which an open file is collected as garbage.
 * @throws what the first failure threw, once all are closed
 */
export async function closeAll(files: Iterable<{ close?(): Promise<void> } | undefined>): Promise<void> {
  const closing = await Promise.allSettled(Array.from(files, async (file) => file?.close?.()));
  const failed = closing.find(({ status }) => status === "rejected");
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}
