export const plain = 1;
export type plain = number;
