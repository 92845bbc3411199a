/** Host, port and database of a URL: what may be shown of it. */
export function placeOfUrl(url: string): string {
  return url.replace(/^[^:]+:\/\/(.*@)?/, '').replace(/[?#].*$/, '');
}
