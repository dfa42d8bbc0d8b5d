// Under `require-trusted-types-for 'script'` a worker may be started only through a policy: this one lets the page's own files through, and
// nothing that is HTML or a script's text. Import it first.

interface PolicyFactory {
  createPolicy(name: string, rules: { readonly createScriptURL: (url: string) => string }): unknown;
}

const { trustedTypes } = globalThis as { trustedTypes?: PolicyFactory };

trustedTypes?.createPolicy("default", {
  createScriptURL(url) {
    if (new URL(url, document.baseURI).origin === location.origin) return url;
    throw new TypeError(`a script of another origin: ${url}`);
  },
});
