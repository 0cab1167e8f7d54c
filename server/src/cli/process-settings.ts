// Settings of the process that must stand before anything uses the thread pool; imported first.

/** Uploads, fsyncs and checkpoints wait on disk side by side; with libuv's four threads commits would queue behind uploads. */
const THREAD_POOL_SIZE = 16;

process.env.UV_THREADPOOL_SIZE ??= String(THREAD_POOL_SIZE);
