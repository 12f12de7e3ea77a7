// A log for commands that say on the terminal what there is to say.
import type { Log } from '../ports.ts';

const nothing = () => undefined;

export const SILENT_LOG: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
