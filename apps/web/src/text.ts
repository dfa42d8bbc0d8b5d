// Every text of the chat, for translation.

const plural = (n: number, one: string, many: string): string => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
const MiB = 1024 * 1024;

export const text = {
  // names
  you: "You",
  answer: "Answer",
  chat: "Chat",
  raw: "Raw text",
  untitled: "Untitled",
  newConversation: "New conversation",
  conversations: "Conversations",
  conversation: "Conversation",
  systemPrompt: "System prompt",
  settings: "Settings",
  close: "Close",
  cancel: "Cancel",
  menu: "Menu",
  more: "More",

  // the field
  fieldLabel: "Message",
  fieldHint: "Write a message",
  send: "Send",
  stop: "Stop",
  toTheEnd: "To the end",
  noModel: "There is no model to ask",
  greeting: "What would you like to say?",
  greetingWith: (model: string): string => `Talk to ${model}`,
  greetingHint: "Everything stays between this page and the server that it came from.",

  // turns
  copy: "Copy",
  copyCode: "Copy code",
  copied: "Copied",
  notCopied: "This browser did not let the text be copied",
  edit: "Edit",
  saveEdit: "Send as another branch",
  regenerate: "Answer again",
  tryAgain: "Try again",
  goOn: "Continue",
  removeTurn: "Delete, with what follows",
  useSeed: (seed: number): string => `Use seed ${seed} from now on`,
  seed: (seed: number): string => `seed ${seed}`,
  branches: (of: string): string => `Branches of: ${of}`,
  previousBranch: "Previous branch",
  nextBranch: "Next branch",
  branch: (index: number, n: number): string => `${index} / ${n}`,
  cut: "This answer was cut.",
  atLimit: "This answer reached its limit.",
  notSentAbove: "What stands above is no longer sent.",
  sendAll: "Send it again",
  thinking: "Thinking …",
  thought: (seconds: number): string => `Thought for ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`,
  tokens: (n: number): string => plural(n, "token", "tokens"),
  tokensPerSecond: (rate: number): string => `${rate.toFixed(1)} tokens/s`,
  firstToken: (seconds: number): string => `first after ${seconds.toFixed(2)} s`,
  tooLongForMarkdown: "Shown as plain text, for its length.",

  // what an answer is doing
  waiting: "Waiting for the first word …",
  readingPrompt: (done: number, total: number): string =>
    `Reading the prompt: ${done.toLocaleString("en")} of ${total.toLocaleString("en")} tokens`,
  retryIn: (seconds: number, reason: string): string => `${reason} – trying again in ${seconds} s`,
  statusAnswering: "Answering",
  statusDone: (words: number): string => `Done, ${plural(words, "word", "words")}`,
  statusStopped: "Stopped",
  statusFailed: "The answer failed",
  unreachable: "The server cannot be reached. Is it running?",
  torn: "The connection was lost in the middle of the answer.",

  // context
  context: (used: number, of: number): string => `${used.toLocaleString("en")} of ${of.toLocaleString("en")} tokens`,
  contextLabel: "Context in use",
  contextNearlyFull: "The context is nearly full: soon the oldest turns will no longer fit.",
  turnsDoNotFit: (n: number): string =>
    `The conversation no longer fits. Leave out the ${n === 1 ? "oldest turn" : `oldest ${n} turns`}, and try again.`,
  turnsWillNotFit: (n: number): string =>
    `The context is full: what you say next fits without the ${n === 1 ? "oldest turn" : `oldest ${n} turns`}.`,
  leaveOut: "Leave out",

  // side bar
  search: "Search",
  nothingFound: "Nothing found",
  noConversations: "Nothing said yet",
  rename: "Rename",
  name: "Name",
  remove: "Delete",
  removed: (name: string): string => `“${name}” was deleted`,
  turnsRemoved: (n: number): string => `${plural(n, "turn", "turns")} deleted`,
  undo: "Undo",
  exportAll: "Export all",
  exportAs: "Export this conversation",
  exportJson: "Export as JSON",
  exportMarkdown: "Export as Markdown",
  import: "Import",
  imported: (n: number): string => `${plural(n, "conversation", "conversations")} imported`,
  importTooLarge: (got: number, most: number): string =>
    `The file has ${Math.ceil(got / MiB)} MiB; at most ${most / MiB} MiB are imported`,
  importTooDeep: (most: number): string => `The file has more than ${most} levels of lists and objects`,
  importNoJson: (reason: string): string => `The file is no JSON: ${reason}`,
  importFlaw: (where: string, what: string): string =>
    `The file is no export of this page: ${where || "at the top"}: ${what}`,
  notKept: "Nothing is kept: this browser gives the page no storage. Conversations are gone when you leave.",

  // appearance
  theme: "Appearance",
  themes: { system: "System", light: "Light", dark: "Dark" },

  // settings
  settingsFor: "For this conversation. Only what you change is sent.",
  reset: "Reset",
  sampling: "Sampling",
  asDefault: "Use for new conversations",
  defaultsKept: "New conversations begin with these settings",
  standard: (value: number | undefined): string => (value === undefined ? "–" : String(value)),
  stop_words: "stop",
  stopHelp: "Texts that end the answer, one a line",
  think: "thinking",
  thinkHelp: "For models that think before they answer",
  thinkChoices: { standard: "As the model likes", on: "On", off: "Off" },
  schema: "JSON schema",
  schemaHelp: "The answer will be JSON that follows it. Say in the conversation what you want, too.",
  schemaNoObject: "A schema is an object",
  settingHelp: {
    temperature: "How freely words are drawn; 0 always takes the likeliest",
    max_tokens: "Most tokens of an answer; empty: to the end of the context",
    seed: "The same seed gives the same answer; empty: drawn for each",
    top_k: "Keep this many of the likeliest tokens; 0 keeps all",
    top_p: "Keep the likeliest up to this probability; 1 keeps all",
    min_p: "Keep those this likely beside the likeliest; 0 is off",
    typical_p: "Locally typical sampling; 1 is off",
    tfs_z: "Tail-free sampling; 1 is off",
    repeat_penalty: "Makes repeated tokens less likely; 1 is off",
    repeat_last_n: "How far back repetitions count; -1 the whole context",
    frequency_penalty: "Penalty for each time that a token occurred",
    presence_penalty: "Penalty for tokens that occurred at all",
    dry_multiplier: "Penalty on repeated sequences; 0 is off",
    xtc_probability: "How often the likeliest tokens are left out; 0 is off",
    xtc_threshold: "How likely these have to be",
    mirostat: "Aims at a constant surprise: 1 or 2; 0 is off",
    mirostat_tau: "The surprise that mirostat aims at",
    mirostat_eta: "How fast mirostat gets there",
  },

  // raw text
  rawLabel: "Text that the model goes on with",
  rawHint: "Write the beginning of a text. The model goes on with it as it is, without a template.",
  generate: "Go on",
  takeBack: "Take back",

  // key
  keyTitle: "This server wants a key",
  keyLabel: "API key",
  keyRemember: "Remember it in this browser, beyond this tab",
  keySave: "Use this key",

  // server
  server: "Server",
  serverModel: "Model",
  serverContext: "Context",
  serverSlots: "Slots in use",
  serverQueue: "Waiting",
  serverVersion: "Version",
  serverOf: (used: number, of: number): string => `${used} of ${of}`,
  serverApi: "Its API is OpenAI's, at this address:",
  serverDetails: "Template, kernels, threads",

  // shortcuts
  shortcuts: "Keyboard shortcuts",
  shortcutList: [
    ["Enter", "Send; a new line on touch screens"],
    ["Shift + Enter", "A new line"],
    ["Esc", "Stop the answer"],
    ["↑ in an empty field", "Edit what you said last"],
    ["Ctrl/⌘ + Shift + O", "New conversation"],
    ["Ctrl/⌘ + K", "Search conversations"],
    ["?", "This list"],
  ],
} as const;
