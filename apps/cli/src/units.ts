// Numbers for people: sizes in binary units, counts with separators.

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** `2.83 MiB`; whole bytes below 1 KiB. */
export function sizeText(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** power).toFixed(2)} ${UNITS[power]}`;
}

/** `1,474,560` */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** 16 hexadecimal digits: more than a number of JSON holds. */
export function fingerprintText(fingerprint: bigint): string {
  return fingerprint.toString(16).padStart(16, "0");
}
