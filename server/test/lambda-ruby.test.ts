// The contract of the Ruby runtime. https://docs.aws.amazon.com/lambda/latest/dg/lambda-ruby.html

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryDirectory } from './harness.ts';
import { jsonLinesOf, linesOf, randomJson, runCases } from './lambda-contract.ts';
import { missing, noBubblewrap, startEngine, type TestFunction } from './lambda-engine.ts';
import { gemFiles } from './lambda-zip.ts';
import { seeded } from './seeded-random.ts';

const noRuby = missing('ruby', '--version');
const testEngine = startEngine();
const { deploy, log, engine } = testEngine;

const app = (code: string, more: Partial<TestFunction> = {}): TestFunction => ({
  runtime: 'ruby3.3',
  files: { 'app.rb': code },
  ...more,
});

describe('ruby', { skip: noRuby }, () => {
  runCases(testEngine, [
    {
      name: 'returns what the handler returns, the event being a Hash',
      function: app('def handler(event:, context:) = { got: event, keys: event.keys }'),
      event: { a: [1, 'ü', null, 1.5] },
      returns: { got: { a: [1, 'ü', null, 1.5] }, keys: ['a'] },
    },
    { name: 'returns null for nil', function: app('def handler(event:, context:); end'), returns: null },
    {
      name: 'an event that is no object',
      function: app('def handler(event:, context:) = event'),
      event: 'ü',
      returns: 'ü',
    },
    {
      name: 'a method of a class',
      function: app('class Handler\n  def self.process(event:, context:) = name\nend', {
        handler: 'app.Handler.process',
      }),
      returns: 'Handler',
    },
    {
      name: 'a method of a class in a module',
      function: app('module A\n  class B\n    def self.process(event:, context:) = name\n  end\nend', {
        handler: 'app.A::B.process',
      }),
      returns: 'A::B',
    },
    {
      name: 'a handler in a directory, with a file beside it and one of the root',
      function: {
        runtime: 'ruby3.4',
        files: {
          'src/app.rb': 'require_relative "near"\nrequire "root"\ndef handler(event:, context:) = [NEAR, ROOT]',
          'src/near.rb': 'NEAR = 1',
          'root.rb': 'ROOT = 2',
        },
        handler: 'src/app.handler',
      },
      returns: [1, 2],
    },
    {
      name: 'a StringIO goes out as it is',
      function: app('require "stringio"\ndef handler(event:, context:) = StringIO.new(%({"raw":true}))'),
      returns: { raw: true },
    },
    {
      name: 'the standard library',
      function: app(
        'require "digest"\nrequire "net/http"\nrequire "time"\ndef handler(event:, context:) = [Digest::SHA256.hexdigest("a")[0, 6], Net::HTTP.name, Time.iso8601("2026-01-01T00:00:00Z").year]',
      ),
      returns: ['ca9781', 'Net::HTTP', 2026],
    },
    {
      name: 'RubyGems, when it is named',
      function: app(
        'def handler(event:, context:) = [defined?(Gem), Gem::Version.new("3.10") > Gem::Version.new("3.9")]',
      ),
      returns: [null, true],
    },
    {
      name: 'a gem in the package',
      function: {
        runtime: 'ruby3.3',
        files: {
          'app.rb': 'require "tiny"\ndef handler(event:, context:) = Tiny::SIZE',
          ...gemFiles('vendor/bundle/ruby/3.3.0'),
        },
      },
      returns: 7,
    },
    {
      name: 'state stays between invocations, and the request is a global',
      function: app(
        '$n = 0\ndef handler(event:, context:) = [$n += 1, $_global_aws_request_id == context.aws_request_id]',
      ),
      returns: [1, true],
    },
    {
      name: 'an exception, with its trace without the bootstrap',
      function: app(
        'class Bad < StandardError; end\ndef inner = raise(Bad, "no good")\ndef handler(event:, context:)\n  inner\nend',
      ),
      fails: { errorType: 'Function<Bad>', errorMessage: 'no good' },
      check: ({ value, logTail }) => {
        assert.deepEqual(Object.keys(value), ['errorMessage', 'errorType', 'stackTrace']);
        assert.equal(value.stackTrace.length, 2);
        assert.match(value.stackTrace[0], /\/app\.rb:2:in [`'].*inner'$/);
        assert.match(value.stackTrace[1], /\/app\.rb:4:in [`'].*handler'$/);
        assert.match(
          logTail,
          /Error raised from handler method\n\{\n {2}"errorMessage": "no good",\n {2}"errorType": "Function<Bad>",/,
        );
      },
    },
    {
      name: 'a missing file',
      function: app('', { handler: 'other.handler' }),
      fails: { errorType: 'Init<LoadError>', errorMessage: 'cannot load such file -- other' },
    },
    {
      name: 'a missing dependency',
      function: app('require "not_there"\ndef handler(event:, context:); end'),
      fails: { errorType: 'Init<LoadError>', errorMessage: 'cannot load such file -- not_there' },
      check: ({ value, logTail }) => {
        assert.ok(
          value.stackTrace.every((line: string) => !line.includes('bootstrap')),
          value.stackTrace.join('\n'),
        );
        assert.match(logTail, /INIT_REPORT .*Error Type: (Init<LoadError>|Function<UserException>)/);
      },
    },
    {
      name: 'a missing handler',
      function: app('X = 1'),
      fails: { errorType: 'Function<NoMethodError>', errorMessage: /^undefined method [`']handler' for / },
    },
    { name: 'a syntax error', function: app('def handler(\nend end'), fails: { errorType: 'Init<SyntaxError>' } },
    {
      name: 'a handler name without a dot',
      function: app('', { handler: 'app' }),
      fails: {
        errorType: 'Init<ArgumentError>',
        errorMessage: /^Invalid handler \["app"\], must be of form FILENAME\.METHOD or /,
      },
    },
    {
      name: 'an exception while loading',
      function: app('raise "at load"'),
      fails: { errorType: 'Init<RuntimeError>', errorMessage: 'at load' },
    },
    {
      name: 'an unknown name ends the runtime',
      function: app('def handler(event:, context:) = nothing_of_this_name'),
      fails: {
        errorType: 'Function<NameError>',
        errorMessage: /^undefined local variable or method [`']nothing_of_this_name'/,
      },
      check: ({ logTail }) => assert.match(logTail, /Critical exception from handler\n/),
    },
    {
      name: 'exit',
      function: app('def handler(event:, context:) = exit(4)'),
      fails: { errorType: 'Function<SystemExit>', errorMessage: 'exit' },
    },
    {
      name: 'exit!',
      function: app('def handler(event:, context:) = exit!(4)'),
      fails: { errorType: 'Runtime.ExitError', errorMessage: /exit status 4$/ },
    },
    {
      name: 'bytes that are no text in a message',
      function: app('def handler(event:, context:) = raise("a\\xff".b)'),
      fails: { errorType: 'Function<RuntimeError>', errorMessage: 'a\ufffd' },
    },
    {
      name: 'the environment',
      function: app(
        'def handler(event:, context:) = ENV.values_at("AWS_EXECUTION_ENV", "_HANDLER", "A") + [ARGV, __FILE__ == $0]',
        {
          environment: { A: 'ü' },
        },
      ),
      check: ({ value }) => assert.deepEqual(value, ['AWS_Lambda_ruby3.3', 'app.handler', 'ü', [], false]),
    },
    {
      name: 'the context',
      function: app(
        'def handler(event:, context:)\n  c = context\n  [c.function_name, c.function_version, c.memory_limit_in_mb, c.aws_request_id, c.invoked_function_arn, c.log_group_name, c.log_stream_name, c.identity, c.client_context, c.get_remaining_time_in_millis, c.deadline_ms - c.get_remaining_time_in_millis]\nend',
      ),
      check: ({ value, requestId }) => {
        const [name, version, memory, id, arn, group, stream, identity, client, remaining, now] = value;
        assert.deepEqual([version, memory, id, identity, client], ['$LATEST', '256', requestId, null, null]);
        assert.equal(arn, `arn:aws:lambda:eu-west-1:123456789012:function:${name}`);
        assert.equal(group, `/aws/lambda/${name}`);
        assert.match(stream, /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
        assert.ok(remaining > 5_000 && remaining <= 10_000, String(remaining));
        assert.ok(Math.abs(now - Date.now()) < 60_000);
      },
    },
  ]);

  test('after an error that ends the runtime the next invocation has a new one', async () => {
    const { invoke } = deploy(
      app('$n = 0\ndef handler(event:, context:)\n  $n += 1\n  event["fail"] ? missing_name : $n\nend'),
    );
    assert.equal((await invoke({})).value, 1);
    assert.equal((await invoke({})).value, 2);
    assert.equal((await invoke({ fail: true })).value.errorType, 'Function<NameError>');
    assert.equal((await invoke({})).value, 1);
  });

  test('random values come back as they were', async (t) => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    t.diagnostic(`seed ${seed}`);
    const random = seeded(seed);
    const { invoke } = deploy(app('def handler(event:, context:) = event'));
    for (let i = 0; i < 20; i++) {
      const event = Array.from({ length: 50 }, () => randomJson(random));
      assert.deepEqual((await invoke(event)).value, event, `seed ${seed}`);
    }
  });

  test('large payloads both ways', async () => {
    const { invoke } = deploy(app('def handler(event:, context:) = event'));
    const event = { text: 'ü€'.repeat(1_000_000) };
    assert.deepEqual((await invoke(event)).value, event);
    assert.deepEqual((await invoke([1])).value, [1]);
  });

  test('the client context and the trace header', async () => {
    const { invoke } = deploy(
      app('def handler(event:, context:) = [context.client_context["custom"], ENV["_X_AMZN_TRACE_ID"]]'),
    );
    const clientContext = Buffer.from('{"custom":\n{"a":"ü"}}').toString('base64');
    assert.deepEqual((await invoke({}, { clientContext, traceHeader: 'Root=1-2-3' })).value, [
      { a: 'ü' },
      'Root=1-2-3',
    ]);
    assert.deepEqual((await invoke({}, { clientContext })).value, [{ a: 'ü' }, null]);
  });

  test('puts, print, loggers and standard error', async () => {
    const { invoke } = deploy(
      app(
        'require "logger"\ndef handler(event:, context:)\n  puts "two", ["lines"]\n  log = Logger.new($stdout, level: Logger::INFO)\n  log.info("of\\nlogger ü")\n  log.debug("not this")\n  $stdout.puts "stdout"\n  print "raw\\n"\n  warn "to stderr"\nend',
      ),
    );
    const result = await invoke({});
    const lines = await linesOf(testEngine, result);
    assert.equal(lines[0], 'two\nlines\n');
    assert.match(
      lines[1]!,
      new RegExp(
        `^I, \\[\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6} #\\d+\\]  INFO ${result.requestId} -- : of\nlogger ü\n$`,
      ),
    );
    assert.deepEqual(lines.slice(2), ['stdout\n', 'raw\n', 'to stderr\n']);
  });

  test('the JSON log format', async () => {
    const code =
      'require "logger"\ndef handler(event:, context:)\n  log = Logger.new($stdout, progname: "p")\n  log.info("not this")\n  log.warn("of\\nlogger ü")\n  log.error(RuntimeError.new("e"))\nend';
    const { invoke } = deploy(app(code, { logging: { format: 'JSON', applicationLevel: 'WARN' } }));
    const result = await invoke({});
    const lines = (await jsonLinesOf(testEngine, result)).filter(({ requestId }) => requestId === result.requestId);
    assert.deepEqual(
      lines.map(({ timestamp, ...rest }) => rest),
      [
        { level: 'WARN', message: 'of\nlogger ü', requestId: result.requestId, logger: 'p' },
        {
          level: 'ERROR',
          message: 'e',
          requestId: result.requestId,
          logger: 'p',
          errorType: 'RuntimeError',
          errorMessage: 'e',
        },
      ],
    );
    assert.match(lines[0].timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test('gems of layers', { skip: noBubblewrap }, async () => {
    const { version, invoke } = deploy(app('require "tiny"\ndef handler(event:, context:) = Tiny::SIZE'));
    version.layersDir = temporaryDirectory();
    for (const [path, text] of Object.entries(gemFiles('ruby/gems/3.3.0'))) {
      mkdirSync(join(version.layersDir, dirname(path)), { recursive: true });
      writeFileSync(join(version.layersDir, path), text);
    }
    assert.equal((await invoke({})).value, 7);
  });

  test('as a plain process', async () => {
    const plain = startEngine({ functions: { isolation: 'process' } });
    assert.deepEqual((await plain.deploy(app('def handler(event:, context:) = event')).invoke([1])).value, [1]);
  });

  test('another version than asked for is told once', async () => {
    const { invoke } = deploy(app('def handler(event:, context:) = RUBY_VERSION', { runtime: 'ruby4.0' }));
    const { value } = await invoke({});
    await engine.flushLogs();
    const notices = log.filter(({ message }) => message.startsWith('BRUME_NOTICE The runtime ruby4.0 '));
    assert.equal(notices.length, value.startsWith('4.0.') ? 0 : 1);
    if (notices.length > 0) assert.match(notices[0]!.message, /^BRUME_NOTICE The runtime ruby4\.0 is run by Ruby \d/);
  });
});

test('without Ruby the answer says what to install', async () => {
  const { engine } = startEngine({ functions: { interpreters: { 'ruby3.3': '/nowhere/ruby' } } });
  await assert.rejects(engine.interpreter('ruby3.3'), {
    message: /^The runtime ruby3\.3 needs Ruby on this machine\. Install ruby \(apt-get install ruby\)/,
  });
});
