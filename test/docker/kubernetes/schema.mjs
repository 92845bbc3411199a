import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const models = join(import.meta.dirname, 'node_modules/kubernetes-models');

/**
 * What the schema of the Kubernetes API has against a document: each fault with the path of the field.
 *
 * The schemas are those of npm's `kubernetes-models`, compiled to validators, which let fields pass that they do not
 * know, as the API server drops them without a word. A field that the validator never looked at is such a field.
 */
export async function schemaFaults(document) {
  const { apiVersion, kind } = document;
  const module = join(models, String(apiVersion), `${kind}.mjs`);
  if (!existsSync(module)) return [`there is no ${kind} in ${apiVersion}`];
  const { [kind]: Model } = await import(pathToFileURL(module).href);
  const unread = new Set();
  const faults = [];
  try {
    Model.prototype.validate.call(recording(document, '', unread));
  } catch (error) {
    if (!Array.isArray(error.errors)) throw error;
    faults.push(...error.errors.map((fault) => `${fault.instancePath} ${fault.message}`));
  }
  return [...faults, ...[...unread].map((path) => `${path} is no field`)];
}

/** A copy that removes the path of each member from `unread` when it is read. */
function recording(value, path, unread) {
  if (Array.isArray(value)) return value.map((one, at) => recording(one, `${path}/${at}`, unread));
  if (typeof value !== 'object' || value === null) return value;
  const members = {};
  for (const [key, member] of Object.entries(value)) {
    unread.add(`${path}/${key}`);
    members[key] = recording(member, `${path}/${key}`, unread);
  }
  return new Proxy(members, {
    get: (target, key) => {
      unread.delete(`${path}/${String(key)}`);
      return target[key];
    },
  });
}
