export function inspect(_packet: unknown): string {
  return ''
}
