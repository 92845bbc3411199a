import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { productFolder } from '@app/process';

interface Package {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** What runs here. Packages as they are installed; null for what is not there. */
export function versions() {
  const root = productFolder();
  const { dependencies = {} } = packageIn(root);
  const packages = Object.keys(dependencies).map((name) => {
    const folder = join(root, 'node_modules', name);
    return [name, existsSync(join(folder, 'package.json')) ? packageIn(folder).version : null];
  });
  return {
    product: productVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    packages: Object.fromEntries(packages) as object,
  };
}

/** The version of the product alone. */
export function productVersion(): string {
  return packageIn(productFolder()).version;
}

function packageIn(folder: string): Package {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package;
}
