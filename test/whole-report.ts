// Loaded into every test file's process before it: what it reports reaches the runner. Such a process is ended by force when
// its tests are over (run.ts), and what is in a pipe of Node's own by then would be lost: dozens of results at a time.
type Pipe = { setBlocking?(isBlocking: boolean): void };

(process.stdout as unknown as { readonly _handle?: Pipe })._handle?.setBlocking?.(true);
