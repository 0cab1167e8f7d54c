// Logs made from templates in the manner of the sixteen systems of LogHub (github.com/logpai/loghub), written for this bench: they
// resemble its data sets in what varies and how, and are not them. The most frequent template of each stands first.

export type Random = () => number;

const whole = (random: Random, below: number) => Math.floor(random() * below);
const oneOf = (random: Random, values: readonly string[]) => values[whole(random, values.length)]!;
const digits = (random: Random, count: number) => Array.from({ length: count }, () => whole(random, 10)).join('');
const hexDigits = (random: Random, count: number) =>
  Array.from({ length: count }, () => whole(random, 16).toString(16)).join('');
const number = (random: Random) => String(Math.floor(10 ** (1 + random() * 5)));
const ip = (random: Random) => `10.${whole(random, 256)}.${whole(random, 256)}.${whole(random, 256)}`;
const host = (random: Random) =>
  oneOf(random, ['mail.example.org', 'ns4.example.net', ip(random), 'dsl-201-7.example.com', 'www.example.edu']);
const clock = (random: Random) => `${10 + whole(random, 14)}:${10 + whole(random, 50)}:${10 + whole(random, 50)}`;
const attempt = (random: Random) => `attempt_${digits(random, 13)}_0001_m_${digits(random, 6)}_${whole(random, 4)}`;
const block = (random: Random) => `blk_${random() < 0.5 ? '-' : ''}${digits(random, 18)}`;
const component = (random: Random) =>
  oneOf(random, ['com.example.mail', 'com.example.player', 'org.example.clock', 'system', 'com.example.phone.dialer']);
const quantity = (random: Random) => {
  const bytes = whole(random, random() < 0.5 ? 1000 : 900_000);
  return bytes < 1024 ? `${bytes} bytes` : `${bytes} bytes (${(bytes / 1024).toFixed(1)} KB)`;
};
const uuid = (random: Random) => [8, 4, 4, 4, 12].map((count) => hexDigits(random, count)).join('-');

/** What `{name}` in a template becomes. */
export const VALUES: Record<string, (random: Random) => string> = {
  attempt,
  block,
  blocks: (random) => Array.from({ length: 1 + whole(random, 4) }, () => block(random)).join(' '),
  clock,
  component,
  date: (random) =>
    `${oneOf(random, ['Mon', 'Wed', 'Fri', 'Sun'])} ${oneOf(random, ['Jun', 'Jul'])} ${10 + whole(random, 18)} ${clock(random)} 2026`,
  endpoint: (random) => `${ip(random)}:${1024 + whole(random, 60_000)}`,
  float: (random) => `${whole(random, 900)}.${digits(random, 2)}`,
  flag: (random) => oneOf(random, ['true', 'false']),
  frames: (random) =>
    Array.from(
      { length: 3 + whole(random, 5) },
      () => `com.example.window.${oneOf(random, ['Session', 'State'])}.run:${number(random)}`,
    ).join(' '),
  hex: (random) => `0x${hexDigits(random, 4 + whole(random, 8))}`,
  hex8: (random) => `${whole(random, 10)}${hexDigits(random, 7)}`,
  host,
  hosts: (random) => `${host(random)}:${1024 + whole(random, 9000)}`,
  ip,
  life: (random) => (random() < 0.5 ? '<1 sec' : `0${whole(random, 9)}:${10 + whole(random, 49)}`),
  mac: (random) => `00:1b:44:${hexDigits(random, 2)}:${hexDigits(random, 2)}:${hexDigits(random, 2)}`,
  node: (random) => `node-${whole(random, 256)}`,
  number,
  path: (random) =>
    `/srv/${oneOf(random, ['data', 'www', 'jobs'])}/${oneOf(random, ['daily', 'hourly'])}/part-${number(random)}`,
  program: (random) =>
    oneOf(random, ['/apps/bin/solver', '/apps/ocean/model', './sweep', '/scratch/p7/md', '/opt/t/run.x']),
  quantity,
  size: (random) => `${whole(random, 900)}.${whole(random, 9)} ${oneOf(random, ['B', 'KB', 'MB', 'GB'])}`,
  small: (random) => String(whole(random, 10)),
  tag: (random) => oneOf(random, ['View Lock', 'launch', 'audio', '*sync*', 'SCREEN_OFF', 'job/com.example']),
  url: (random) =>
    oneOf(random, ['/v2/', '/latest/meta-data/', `/v2/${hexDigits(random, 32)}/servers`, '/volumes/detail']),
  user: (random) =>
    oneOf(random, ['root', 'guest', 'test', 'news', 'cyrus', 'oracle', 'anna', 'mysql', 'backup', 'user1']),
  uuid,
};

export interface LogSystem {
  name: string;
  /** Grouping accuracy of Drain on LogHub's 2,000 lines (Zhu et al., ICSE 2019), with the system's own expressions and thresholds. */
  published: number;
  templates: string[];
}

export const LOG_SYSTEMS: LogSystem[] = [
  {
    name: 'HDFS',
    published: 0.998,
    templates: [
      'Receiving block {block} from: /{endpoint} to: /{endpoint}',
      'Responder {small} for block {block} is ending',
      'Received block {block} of {number} bytes from /{ip}',
      'BLOCK* namesystem.addStored: {endpoint} now holds {block} with size {number}',
      'BLOCK* namesystem.remove: {block} goes to the invalid set of {endpoint}',
      'Deleting block {block} in file {path}',
      'BLOCK* namesystem.allocate: {path}. {block}',
      '{endpoint} served block {block} to /{ip}',
      '{endpoint}:Exception while block {block} was sent to /{ip}:',
      'BLOCK* tell {endpoint} to delete  {blocks}',
      'BLOCK* tell {endpoint} to replicate {block} to datanode(s) {endpoint}',
      'Verified block {block} without fault',
    ],
  },
  {
    name: 'Hadoop',
    published: 0.948,
    templates: [
      'Progress of {attempt} : 0.{number}',
      'Connecting again to server: rm-{small}/{endpoint}. Tried {small} time(s); policy is FixedSleep(maxRetries=10, sleepTime=1000 MILLISECONDS)',
      '{attempt} TaskAttempt went from NEW to UNASSIGNED',
      '{attempt} TaskAttempt went from UNASSIGNED to ASSIGNED',
      '{attempt} TaskAttempt went from ASSIGNED to RUNNING',
      '{attempt} TaskAttempt went from RUNNING to SUCCESS_CLEANUP',
      '{attempt} TaskAttempt went from RUNNING to FAIL_CLEANUP',
      'Computing schedule, headroom=<memory:{number}, vCores:-{small}>',
      'Before Scheduling: PendingReds:{small} ScheduledMaps:{small} AssignedMaps:{small} HostLocal:{small}',
      'After Scheduling: PendingReds:{small} ScheduledMaps:{small} AssignedMaps:{small} HostLocal:{small}',
      'Resolved {host} to /rack',
      'Opening proxy : {hosts}',
      'mapRequest:<memory:{number}, vCores:{small}>',
      'reduceRequest:<memory:{number}, vCores:{small}>',
      'Killing {attempt}',
      'Launching {attempt}',
    ],
  },
  {
    name: 'Spark',
    published: 0.92,
    templates: [
      'Finished task {float} in stage {float} (TID {number}). {number} bytes result sent',
      'Running task {float} in stage {float} (TID {number})',
      'Block broadcast_{number} kept as bytes (estimated size {size}, free {size})',
      'Block broadcast_{number} kept as values (estimated size {size}, free {size})',
      'Found block rdd_{number}_{small} locally',
      'Times: total = {number}, boot = -{number}, init = {number}',
      'Input split: hdfs://{endpoint}{path}:{number}+{number}',
      'Reading broadcast variable {number} took {number} ms',
      'Partition rdd_{number}_{small} not found, computing it',
      'Started service on port {number}.',
      'Registered signal handlers for [TERM, HUP, INT]',
    ],
  },
  {
    name: 'Zookeeper',
    published: 0.967,
    templates: [
      'Received connection request /{endpoint}',
      'Established session {hex} with timeout {number} for client /{endpoint}',
      'Closed socket of client /{endpoint} which had sessionid {hex}',
      'Closed socket of client /{endpoint} (no session established)',
      'Cannot open channel to {small} at election address /{endpoint}',
      'Notification time out: {number}',
      'Notification: {small} (n.leader), {hex} (n.zxid), LOOKING (n.state), {small} (n.sid), LEADING (my state)',
      'Notification: {small} (n.leader), {hex} (n.zxid), FOLLOWING (n.state), {small} (n.sid), LEADING (my state)',
      'Expiring session {hex}, timeout of {number}ms exceeded',
      'Interrupting SendWorker',
      'tickTime set to {number}',
      'minSessionTimeout set to -{small}',
    ],
  },
  {
    name: 'OpenStack',
    published: 0.733,
    templates: [
      '{ip} "GET {url} HTTP/1.1" status: 200 len: {number} time: 0.{number}',
      '{ip} "POST {url} HTTP/1.1" status: 202 len: {number} time: 0.{number}',
      '[instance: {uuid}] VM Started (Event)',
      '[instance: {uuid}] VM Paused (Event)',
      '[instance: {uuid}] VM Resumed (Event)',
      '[instance: {uuid}] VM Stopped (Event)',
      'image {uuid} at (/var/lib/base/{hex8}): checking',
      '[instance: {uuid}] Took {float} seconds to spawn the instance.',
      '[instance: {uuid}] Took {float} seconds to destroy the instance.',
      '[instance: {uuid}] disk limit not given, no limit',
      '[instance: {uuid}] vcpu limit not given, no limit',
      'Final view: name={host} ram={number}MB used={number}MB vcpus={small} stats=[]',
      'Active base files: /var/lib/base/{hex8}',
      'Removable base files: /var/lib/base/{hex8} /var/lib/base/{hex8}',
    ],
  },
  {
    name: 'BGL',
    published: 0.963,
    templates: [
      'generating core.{number}',
      'iar {hex8} dear {hex8}',
      '{number} floating point exceptions',
      '{number} double-hummer exceptions',
      'CE sym {small}, at {hex}, mask {hex}',
      '{number} L3 error(s) (dcr {hex}) detected and corrected',
      '{number} L3 error(s) (dcr {hex}) detected and corrected over {number} seconds',
      'ciod: failed to load {program}: missing image, Permission denied',
      'ciod: failed to load {program}: missing image, Exec error',
      'ciod: LOGIN chdir({program}) failed: Input/output error',
      'interrupt caused by dcbf.........{small}',
      'interrupt caused by icbi.........{small}',
      'r24={hex} r25={hex} r26={hex}',
    ],
  },
  {
    name: 'HPC',
    published: 0.887,
    templates: [
      'boot  (command {number})',
      'wait  (command {number})',
      'halt  (command {number})',
      'Component "alt{small}" is in the unavailable state (HWID={number})',
      'Fan speeds ( {number} {number} {number} {number} )',
      'Fan speeds ( {number} **** {number} {number} )',
      'ambient={number}',
      'running',
      'not responding',
      '{node} detected a failed link on {ip}',
      '{node} detected an available link on {ip}',
      'Targeting domains:{node} and nodes:{node} of command {number}',
    ],
  },
  {
    name: 'Thunderbird',
    published: 0.955,
    templates: [
      'thread got no answer from any [Cluster_{small}] datasource',
      'synchronized to {ip}, stratum {small}',
      '(root) CMD (run-parts /etc/cron.hourly)',
      'session opened for user root by (uid={small})',
      'session closed for user root',
      'DHCPDISCOVER from {mac} via eth{small}',
      'DHCPREQUEST for {ip} ({ip}) from {mac} via eth{small}',
      'DHCPOFFER on {ip} to {mac} via eth{small}',
      'time sync enabled 0001',
      'time sync disabled 0041',
      'PCI interrupt 0000:00:1d.{small}[A] -> GSI {small} (level, low)',
      'registered new driver hub',
      'registered new driver usbfs',
    ],
  },
  {
    name: 'Windows',
    published: 0.997,
    templates: [
      'Read out cached applicability of package: Package_KB{number}~{hex8}~amd64~~6.1, State: {number}, Current: {number}',
      'Session: {number}_{number} initialized by client Agent.',
      'Session: {number}_{number} initialized by client Backup.',
      '{hex8} Created NT transaction (seq {small}) result {hex}, handle @{hex}',
      '{hex8} Performance trace:',
      'Failed to open package. [HRESULT = {hex} - INVALID_PACKAGE]',
      'Failed to get element [HRESULT = {hex} - INVALID_ITEM]',
      'Starting initialization.',
      'Ending initialization.',
      'Unrecognized packageExtended attribute.',
    ],
  },
  {
    name: 'Linux',
    published: 0.69,
    templates: [
      'authentication failure; logname= uid={small} euid={small} tty=ssh ruser= rhost={host}',
      'connection from {ip} ({host}) at {date}',
      'authentication failure; logname= uid={small} euid={small} tty=ssh ruser= rhost={host}  user={user}',
      'session opened for user {user} by (uid={small})',
      'session opened for user {user} by LOGIN(uid={small})',
      'session closed for user {user}',
      'check pass; user unknown',
      'cupsd startup succeeded',
      'rpc.statd startup succeeded',
      'cupsd shutdown succeeded',
      "removing device node '/udev/vcs{small}'",
      "creating device node '/udev/vcs{small}'",
      'Dentry cache hash table entries: {number} (order: {small}, {number} bytes)',
      'Inode cache hash table entries: {number} (order: {small}, {number} bytes)',
      'Kerberos authentication failed',
    ],
  },
  {
    name: 'Android',
    published: 0.911,
    templates: [
      'ready=true,policy={small},wake={small},summary={hex},boot=true,manual={number},auto=-1',
      'acquire lock={number}, flags={hex}, tag="{tag}", name={component}, uid={number}',
      'release lock={number}, flags={hex}, tag="{tag}", name={component}, uid={number}',
      'clipping overlap:false, top={float}, shift={float}',
      'clipping overlap:true, top={float}, shift={float}',
      'Removing surface Surface(name={component}/{component}) called by {frames}',
      'Skipping Token{{hex8} Record{{hex8} u0 {component}}} -- going to hide',
      'onTouch::{small}, x={float}, y={float}',
      'block location  ret:true',
      'block location  ret:false',
      'fling: velocity={float}, expand=false, target={float}',
      'fling: velocity={float}, expand=true, target={float}',
      'cancelAutohide',
      'visible is {component} gt {small}',
    ],
  },
  {
    name: 'HealthApp',
    published: 0.78,
    templates: [
      'onStepChanged {number}',
      'onExtend:{number} {small} {small} {small}',
      'getDetailSteps = {number}##{number}##{number}##{number}',
      'setDetailSteps={number}##{number}##{number}##{number}',
      'caloriesWithCache total={number}',
      'altitudeWithCache total={number}',
      'REPORT : {number} {number} {number}',
      'onReceive action: SCREEN_ON',
      'onReceive action: SCREEN_OFF',
      'saveData() size = {small},totalTime = {number}',
      'initPrivacy the switch is open, start push!',
      'flush sensor data',
      'syncOrNot times is {number}',
      'syncOrNot times is {number}, stat is {number}',
    ],
  },
  {
    name: 'Apache',
    published: 1,
    templates: [
      'jk_init() found child {number} in slot {small}',
      'worker.init() ok {path}',
      'mod_jk child in error state {small}',
      '[client {ip}] No directory index allowed: /var/www/html/',
      'jk_init() cannot find child {number}',
      'mod_jk child init {small} -{small}',
    ],
  },
  {
    name: 'OpenSSH',
    published: 0.788,
    templates: [
      'Failed password for {user} from {ip} port {number} ssh2',
      'Received disconnect from {ip}: 11: Bye [preauth]',
      'sshd(auth): failure; uid={small} tty=ssh ruser= rhost={host}  user={user}',
      'sshd(auth): failure; uid={small} tty=ssh ruser= rhost={host}',
      'Failed password for invalid user {user} from {ip} port {number} ssh2',
      'Invalid user {user} from {ip}',
      'request: invalid user {user} [preauth]',
      'sshd(auth): check pass; user unknown',
      'mapping of {host} [{ip}] failed - POSSIBLE ATTEMPT!',
      'Connection closed by {ip} [preauth]',
      'PAM {small} more failures; uid={small} rhost={host}',
      'ignoring max retries; {small} > {small}',
      'Received disconnect from {ip}: 11: disconnected by user',
    ],
  },
  {
    name: 'Proxifier',
    published: 0.527,
    templates: [
      '{hosts} open through proxy proxy.example.edu:{number} HTTPS',
      '{hosts} close, {quantity} sent, {quantity} received, lifetime {life}',
      '{hosts} open through proxy socks.example.edu:{number} SOCKS5',
      '{hosts} error : No connection to proxy {hosts} - attempt failed with error {number}',
      '{hosts} error : No connection to proxy {hosts} - Could not resolve {host} error {number}',
      '{hosts} error : Proxy closed the connection unexpectedly.',
    ],
  },
  {
    name: 'Mac',
    published: 0.787,
    templates: [
      'ARPT: {number}.{number}: AirPort::powerChange: System Sleep',
      "ARPT: {number}.{number}: Source: onSleep,  Kind: Normal,  'External': No, 'Remaining': {number},",
      "ARPT: {number}.{number}: Source: onWake,  Kind: Normal,  'External': No, 'Remaining': {number},",
      '<NotificationManager: {hex}>:   DND Enabled: NO',
      '<NotificationManager: {hex}>:   DND Enabled: YES',
      'PM response took {number} ms ({number}, powerd)',
      'Capture::log Received notice id: {float}, reason = Fail:sts:{small}_rsn:{small}',
      'Capture::copy name is [{clock}]-report-{number}.xml, source path:{path}, dest path:{path}',
      'PeerManager::setMode Setting the mode from AUTO to SUSPENDED',
      'PeerManager::setMode Setting the mode from SUSPENDED to AUTO',
      'en0: BSSID changed to {mac}',
      'Camera::wakeCall - type = {hex}',
      'Link Up on awdl',
      'Link Down on awdl. Reason {small} (Unspecified).',
      'connectx to {endpoint}@0 failed: [50] Network is down',
    ],
  },
];
