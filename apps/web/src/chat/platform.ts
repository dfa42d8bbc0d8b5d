// What a page over plain HTTP lacks (`crypto.randomUUID`, the clipboard) or a private window refuses (storage), each with its way round.

/** 128 random bits; also without a secure context. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether it worked. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // no secure context, or not allowed
  }
}

function copyBySelection(text: string): boolean {
  const field = document.createElement("textarea");
  const focused = document.activeElement;
  field.value = text;
  field.className = "off-screen";
  // inside an open dialog: all else is inert
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}

export function download(name: string, type: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A storage that may refuse everything, as it does in some private windows. */
export function readStored(storage: "localStorage" | "sessionStorage", key: string): string | null {
  try {
    return globalThis[storage].getItem(key);
  } catch {
    return null;
  }
}

/** An empty value removes. */
export function store(storage: "localStorage" | "sessionStorage", key: string, value: string): void {
  try {
    if (value === "") globalThis[storage].removeItem(key);
    else globalThis[storage].setItem(key, value);
  } catch {
    // full or forbidden: what is stored here is a comfort
  }
}
