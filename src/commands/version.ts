// `xiaozhi-agent version`.
import { packageVersion } from './places.ts';

export function version(): void {
  process.stdout.write(`xiaozhi-agent ${packageVersion()}, Node ${process.version}\n`);
}
