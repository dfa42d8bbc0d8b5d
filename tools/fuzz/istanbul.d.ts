// The part of istanbul-lib-instrument, which has no types of its own, that is used here.

declare module "istanbul-lib-instrument" {
  export function createInstrumenter(options: {
    readonly esModules: boolean;
    readonly compact: boolean;
    readonly coverageVariable: string;
  }): { instrumentSync(code: string, file: string): string };
}
