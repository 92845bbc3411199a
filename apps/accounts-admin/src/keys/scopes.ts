import { Reflector } from '@nestjs/core';

/** What a key may be allowed to do. */
export const scopes = [
  'accounts:read',
  'history:read',
  'accounts:erase',
  'accounts:free',
  'mail:read',
  'mail:manage',
  'projections:read',
  'projections:manage',
  'keys:manage',
  'audit:read',
  'support:read',
] as const;

export type Scope = (typeof scopes)[number];

/** The scope that a route asks for. A route without one is refused to everybody. */
export const RequiresScope = Reflector.createDecorator<Scope>();

export function isScope(text: string): text is Scope {
  return (scopes as readonly string[]).includes(text);
}
