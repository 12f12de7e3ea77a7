// An npm package that need not be there: loaded when it is wanted, and told of, with what to do, where it cannot be. Knows no
// package.
import { createRequire } from 'node:module';

export class PackageTrouble extends Error {}

const require = createRequire(import.meta.url);

/** @throws a PackageTrouble */
export function optionalPackage(name: string): unknown {
  try {
    return require(name);
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
    const why = isAbsent
      ? `is not installed: npm install ${name}`
      : `cannot be loaded: ${String(error instanceof Error ? error.message : error).split('\n')[0]}`;
    throw new PackageTrouble(`the package ${name} ${why}`);
  }
}
