// Threads share memory, which a browser allows only to a page that is isolated by two headers. A host that does not send them is helped by a
// service worker, `isolate.js`, that adds them; then the page is loaded once more.

/** Why the page has one thread only: no secure context, no service workers, or one that did not help. */
export type Obstacle = "insecure" | "unavailable" | "failed";

/** Set while the page is loaded once more for the service worker: if that does not help, it is not tried again. */
const TRIED = "ll-isolating";

/** A service worker that is not there by then is not waited for. */
const WAIT_MS = 3000;

/** Undefined for an isolated page. It does not settle if the page is being loaded once more. */
export async function isolate(): Promise<Obstacle | undefined> {
  if (crossOriginIsolated) {
    sessionStorage.removeItem(TRIED);
    return undefined;
  }
  if (!isSecureContext) return "insecure";
  if (!("serviceWorker" in navigator)) return "unavailable";
  if (sessionStorage.getItem(TRIED) !== null) return "failed";
  try {
    await navigator.serviceWorker.register(new URL("isolate.js", document.baseURI));
    const late = new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    if ((await Promise.race([navigator.serviceWorker.ready, late])) === undefined) return "failed";
  } catch {
    return "failed";
  }
  sessionStorage.setItem(TRIED, "1");
  location.reload();
  return new Promise(() => undefined);
}
