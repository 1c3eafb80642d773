/** The report formats of audit. */
export const auditFormats = ['text', 'json', 'sarif', 'junit'] as const;
export type AuditFormat = (typeof auditFormats)[number];
