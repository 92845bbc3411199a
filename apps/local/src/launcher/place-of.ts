/** Host, port and database of a URL: what may be shown of it. */
export function placeOf(url: string): string {
  return url.replace(/^[^:]+:\/\/(.*@)?/, '').replace(/[?#].*$/, '');
}
