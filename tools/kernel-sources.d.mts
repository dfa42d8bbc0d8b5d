export function noteKernelSources(folder: string): void;
export function areKernelsCurrent(folder: string): boolean;
export default function assertKernelsAreCurrent(): void;
