// Which way the arrows may point. Leaves share @ll/bytes, and @ll/architectures, what a model is; llama and convert stand on leaves, model on llama, chat on model, openai-api on chat; only apps use everything.

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "resolvable",
      comment: "Vite resolves what asks it for the address of a worker",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "[?]worker&url$" },
    },
    {
      name: "bytes-stands-alone",
      severity: "error",
      from: { path: "^packages/bytes/src" },
      to: { path: "^(packages/(?!bytes/)|apps)" },
    },
    {
      name: "leaves-share-bytes-and-what-a-model-is",
      severity: "error",
      from: { path: "^packages/(ggml-format|gguf|checkpoint|tokenizer|quant|sampling|architectures|hub)/src" },
      to: { path: "^(packages|apps)/", pathNot: ["^packages/$1/", "^packages/(bytes|architectures)/"] },
    },
    {
      name: "sampling-and-architectures-depend-on-nothing",
      severity: "error",
      from: { path: "^packages/(sampling|architectures)/src" },
      to: { path: "^packages/(bytes|architectures)/", pathNot: "^packages/$1/" },
    },
    {
      name: "llama-stands-on-architectures-bytes-quant-sampling",
      severity: "error",
      from: { path: "^packages/llama/src" },
      to: { path: "^(packages/(?!(llama|architectures|bytes|quant|sampling)/)|apps)" },
    },
    {
      name: "convert-stands-on-formats-and-quant",
      severity: "error",
      from: { path: "^packages/convert/src" },
      to: { path: "^(packages/(?!(convert|architectures|bytes|quant|ggml-format|gguf|checkpoint)/)|apps)" },
    },
    {
      name: "chat-stands-on-model-llama-sampling-tokenizer",
      severity: "error",
      from: { path: "^packages/chat/src" },
      to: { path: "^(packages/(?!(chat|model|llama|sampling|tokenizer|bytes)/)|apps)" },
    },
    {
      name: "openai-api-stands-on-chat",
      severity: "error",
      from: { path: "^packages/openai-api/src" },
      to: { path: "^(packages/(?!(openai-api|chat|sampling|bytes)/)|apps)" },
    },
    {
      name: "model-stands-on-formats-tokenizer-llama",
      severity: "error",
      from: { path: "^packages/model/src" },
      to: { path: "^(packages/(?!(model|llama|tokenizer|ggml-format|gguf|quant|architectures|bytes)/)|apps)" },
    },
    { name: "nobody-imports-an-app", severity: "error", from: { path: "^packages/" }, to: { path: "^apps/" } },
    {
      name: "apps-share-the-frame",
      severity: "error",
      from: { path: "^apps/([^/]+)/src" },
      to: { path: "^apps/", pathNot: ["^apps/$1/", "^apps/cli/src/(frame|jobs)\\.ts$"] },
    },
    {
      name: "no-deep-imports",
      severity: "error",
      from: { path: "^(packages|apps)/([^/]+)/src" },
      to: {
        path: "^packages/[^/]+/src/",
        pathNot: [
          "^packages/$2/",
          "/src/(index|node|reference|workers?|convert-worker|conversation|formats|jinja|templates)\\.ts$",
        ],
      },
    },
    {
      name: "platform-code-in-its-own-entry",
      comment: "root entries run in browsers: node: modules only behind ./node",
      severity: "error",
      from: { path: "^packages/[^/]+/src/index\\.ts$" },
      to: { path: "^(node:|fs|path|os|crypto|worker_threads|stream|util)", reachable: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/(test|bench|dist|asm)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@ll/source", "import", "types", "default"],
    },
  },
};
