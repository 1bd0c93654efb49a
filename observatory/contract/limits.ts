/** Characters that a filter may have. */
export const longestFilter = 4096;
