// Room for others in the middle of long work.

/**
 * Waits for one turn of the event loop, so that timers fire and an AbortSignal is heard. Takes microseconds: `setImmediate` on Node, a
 * message to itself in browsers, where a timer would wait 4 ms after a few turns (HTML standard, section 8.6, "nesting level").
 */
export function turn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };
  return new Promise((resolve) => {
    if (setImmediate !== undefined) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
