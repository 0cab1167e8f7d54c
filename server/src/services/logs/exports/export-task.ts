// Export tasks as they are kept, and the files they write.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3ExportTasksConsole.html

import { defineCollection } from '#storage/state/state.ts';

export type ExportStatus = 'PENDING' | 'RUNNING' | 'PENDING_CANCEL' | 'CANCELLED' | 'COMPLETED' | 'FAILED';

export interface ExportTaskDocument {
  taskId: string;
  taskName?: string;
  groupId: number;
  logGroupName: string;
  logStreamNamePrefix?: string;
  fromMs: number;
  toMs: number;
  bucket: string;
  prefix: string;
  status: ExportStatus;
  message?: string;
  createdAtMs: number;
  completedAtMs?: number;
}

/** Keyed by the task's id. */
export const EXPORT_TASKS = defineCollection<ExportTaskDocument>('logs.export-tasks');

/** What each status says of itself. */
export const STATUS_MESSAGES: Partial<Record<ExportStatus, string>> = {
  RUNNING: 'Started successfully',
  COMPLETED: 'Completed successfully',
};

export function isActive({ status }: ExportTaskDocument): boolean {
  return status === 'PENDING' || status === 'RUNNING' || status === 'PENDING_CANCEL';
}

export function objectKey({ prefix, taskId }: ExportTaskDocument, stream: string, part: number): string {
  return `${prefix}/${taskId}/${stream.replaceAll('/', '-')}/${String(part).padStart(6, '0')}.gz`;
}

export function exportedLine(timestamp: number, message: string): string {
  return `${new Date(timestamp).toISOString()} ${message}\n`;
}
