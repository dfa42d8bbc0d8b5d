// Types that differ between platforms, so that declarations compile with any library of types.

/** What `await using` asks for, where its types are known. */
export type AsyncDisposal = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { readonly [K in Key]: () => Promise<void> }
  : object;
