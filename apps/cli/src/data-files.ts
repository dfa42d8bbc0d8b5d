// Files that come with this package.

/** Where a file of the package lies: `templates/plain.json`. */
export function dataFile(path: string): URL {
  // one folder up from src/ as from dist/, where the build puts all modules side by side
  return new URL(`../${path}`, import.meta.url);
}
