# frozen_string_literal: true

# Runs a Ruby function: loads the handler, then asks the Lambda Runtime API for one event after another.
# https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, …/lambda-ruby.html
#
# The API is spoken over the connection that this process inherits as a file descriptor. A result and the request for the
# next event leave in one write. The interpreter is started without RubyGems, which takes four times as long to load as all
# the rest: what only RubyGems finds brings it in (see GemsOnDemand).
# Argument, in an interpreter that is booted ahead of any function: `wait`.

require 'json'
require 'logger'
require 'stringio'

# Text may be in any encoding, and hold bytes that JSON cannot.
module UTF8
  def self.of(value)
    text = value.to_s
    text = text.encoding == Encoding::BINARY ? text.dup.force_encoding(Encoding::UTF_8) : text.encode(Encoding::UTF_8, undef: :replace, invalid: :replace)
    text.scrub
  end
end

# The connection to the server, and the messages on it.
class RuntimeApi
  PREFIX = '/2018-06-01/runtime/'
  NEXT = "GET #{PREFIX}invocation/next HTTP/1.1\r\n\r\n".b
  DESCRIPTOR = 3
  READ_SIZE = 65_536

  def initialize
    @socket = IO.for_fd(DESCRIPTOR, 'r+b')
    @socket.sync = true
    @socket.close_on_exec = true
    @input = String.new(encoding: Encoding::BINARY)
  end

  # Waits for the environment variables of the function that this interpreter is to run.
  def assignment
    write(post('assignment', '{}'))
    JSON.parse(receive.last)
  end

  # What goes to the server with the request for the next event: a result, or nothing the first time.
  def next_event(result)
    write(result + NEXT)
    loop do
      headers, body = receive
      return headers, body if headers.key?('lambda-runtime-aws-request-id')
    end
  end

  def post(path, body, content_type: 'application/json', error_type: nil)
    head = "POST #{PREFIX}#{path} HTTP/1.1\r\nContent-Type: #{content_type}\r\nContent-Length: #{body.bytesize}\r\n"
    head += "Lambda-Runtime-Function-Error-Type: #{error_type.gsub(/[^ -~]/, '?')}\r\n" if error_type
    "#{head}\r\n".b + body.b
  end

  def write(data)
    @socket.write(data)
  rescue Errno::EPIPE
    exit!(0)
  end

  private

  def receive
    @input << read(READ_SIZE) until (head_end = @input.index("\r\n\r\n"))
    headers = {}
    head = @input.slice!(0, head_end + 4).force_encoding(Encoding::UTF_8).scrub
    head.split("\r\n").drop(1).each do |line|
      name, value = line.split(': ', 2)
      headers[name.downcase] = value
    end
    length = headers.fetch('content-length', 0).to_i
    body = @input.slice!(0, length)
    body << read([length - body.bytesize, 1 << 20].min) while body.bytesize < length
    [headers, body]
  end

  def read(size)
    @socket.readpartial(size)
  rescue EOFError, Errno::ECONNRESET
    # The server is gone, and with it everybody who could want a result.
    exit!(0)
  end
end

# One frame on standard output per message, so that a message of several lines stays one log event: mark, length, microseconds.
module LogSink
  FRAME_MARK = 0xa55a0003

  # With the format JSON the mark names the level as well, above the two bits for the format.
  class Line < String
    LEVELS = { 'DEBUG' => 2, 'INFO' => 3, 'WARN' => 4, 'ERROR' => 5, 'FATAL' => 6 }.freeze
    attr_reader :mark

    def initialize(text, severity)
      super(text)
      @mark = 0xa55a0002 | LEVELS.fetch(severity, 0) << 2
    end
  end

  def self.write(message)
    data = UTF8.of(message).b
    $stdout.flush
    now = Process.clock_gettime(Process::CLOCK_REALTIME, :microsecond)
    mark = message.is_a?(Line) ? message.mark : FRAME_MARK
    frame = [mark, data.bytesize, now].pack('L>L>Q>') + data
    frame = frame.byteslice(STDOUT.syswrite(frame)..) until frame.empty?
    message.bytesize
  end

  def self.close; end
  def self.reopen(*) = self
end

# As on AWS, `puts` of several lines is one log event.
module Kernel
  def puts(*values)
    LogSink.write("#{values.flatten.join("\n")}\n")
    nil
  end
end

class LambdaLogFormatter < Logger::Formatter
  def call(severity, time, progname, message)
    format("%s, [%s #%d] %5s %s -- %s: %s\n", severity[0], format_datetime(time), $$, severity, $_global_aws_request_id,
           progname, msg2str(message))
  end
end

class LambdaJsonLogFormatter < Logger::Formatter
  def call(severity, time, progname, message)
    text = message.is_a?(Exception) ? message.message : msg2str(message)
    line = { timestamp: time.utc.strftime('%Y-%m-%dT%H:%M:%S.%6NZ'), level: severity, message: text,
             requestId: $_global_aws_request_id, tenantId: $_global_tenant_id, logger: progname }
    if message.is_a?(Exception)
      line.update(errorType: message.class.to_s, errorMessage: text, stackTrace: message.backtrace,
                  location: message.backtrace&.first)
    end
    LogSink::Line.new("#{JSON.generate(line.compact)}\n", severity)
  end
end

# Loggers that write to standard output or error tell the request, one log event a message.
module LambdaLogger
  LEVELS = { 'TRACE' => 'debug' }.freeze

  def initialize(device = nil, *rest, **options)
    if device.nil? || device == $stdout || device == $stderr
      device = LogSink
      json = ENV['AWS_LAMBDA_LOG_FORMAT'] == 'JSON'
      options[:formatter] ||= json ? LambdaJsonLogFormatter.new : LambdaLogFormatter.new
      wanted = ENV['AWS_LAMBDA_LOG_LEVEL']
      options[:level] ||= LEVELS.fetch(wanted, wanted.downcase) if json && wanted
    end
    super(device, *rest, **options)
  end
end
Logger.prepend(LambdaLogger)

# Brings RubyGems in when it is named, or when a file is required that only it can find.
module GemsOnDemand
  WITHOUT_GEMS = Kernel.instance_method(:require)

  # False when it is there already.
  def self.load
    return false if @loaded

    @loaded = true
    # RubyGems puts itself before the method that it finds.
    Kernel.send(:define_method, :require, WITHOUT_GEMS)
    Kernel.send(:private, :require)
    WITHOUT_GEMS.bind_call(self, 'rubygems')
    true
  end
end

module Kernel
  def require(path)
    GemsOnDemand::WITHOUT_GEMS.bind_call(self, path)
  rescue LoadError => e
    raise unless e.path == path && GemsOnDemand.load

    require(path)
  end
  private :require

  def gem(...)
    GemsOnDemand.load
    gem(...)
  end
  private :gem
end

def Object.const_missing(name)
  return super unless %i[Gem Bundler].include?(name) && GemsOnDemand.load

  require 'bundler' if name == :Bundler
  const_get(name)
end

# https://docs.aws.amazon.com/lambda/latest/dg/ruby-context.html
class LambdaContext
  attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
              :memory_limit_in_mb, :function_version, :identity, :client_context, :deadline_ms, :tenant_id

  def initialize(headers)
    @aws_request_id = headers['lambda-runtime-aws-request-id']
    @invoked_function_arn = headers['lambda-runtime-invoked-function-arn']
    @deadline_ms = headers['lambda-runtime-deadline-ms'].to_i
    @identity = parsed(headers['lambda-runtime-cognito-identity'])
    @client_context = parsed(headers['lambda-runtime-client-context'])
    @trace = take_trace
    @tenant_id = headers['lambda-runtime-aws-tenant-id']
    @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
    @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
    @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
    @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
    @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
  end

  def get_remaining_time_in_millis
    [0, @deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond)].max
  end

  # What the client context tells of a W3C trace.
  def w3c = @trace.dup

  private

  def parsed(text) = text && JSON.parse(text)

  def take_trace
    trace = @client_context.delete('w3c') if @client_context.is_a?(Hash)
    return {} unless trace.is_a?(Hash)

    trace.slice('traceparent', 'tracestate', 'baggage').select { |_, value| value.is_a?(String) }
  end
end

# Functions may put their own methods in place of these.
module AwsLambda
  class Marshaller
    class << self
      def marshall_request(raw_request)
        return raw_request.body unless raw_request['Content-Type'] == 'application/json'

        JSON.parse(raw_request.body)
      end

      # The body, and its content type unless that is JSON.
      def marshall_response(response)
        case response
        when StringIO, IO then [response, 'application/unknown']
        else response.to_json
        end
      end
    end
  end
end

# An event as the Runtime API gives it.
class RawRequest
  attr_reader :body

  def initialize(headers, body)
    @headers = headers
    @body = body.force_encoding(Encoding::UTF_8)
  end

  def [](name) = @headers[name.downcase]
end

# Named for the messages of errors: a handler that is missing is missing on it, as on AWS.
class LambdaHandler
  attr_reader :file

  def initialize(name)
    parts = name.split('.')
    @file, *@owner, @method = parts
    return if [2, 3].include?(parts.size)

    raise ArgumentError, "Invalid handler #{parts}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD where FILENAME " \
                         'corresponds with an existing Ruby source file FILENAME.rb, CLASS is an optional module/class ' \
                         'namespace and METHOD is a callable method. If using CLASS, METHOD must be a class-level method.'
  end

  def call(event, context)
    return __send__(@method, event: event, context: context) if @owner.empty?

    Kernel.const_get(@owner.first).send(@method, event: event, context: context)
  end
end

# The loop from event to event, and what is told of errors.
class LambdaRunner
  OWN_FRAMES = "#{__FILE__}:"
  # These AWS names in its metrics; all others are "UserException".
  NAMED_ERRORS = %w[ArgumentError NoMethodError Exception StandardError NameError LoadError SystemExit SystemStackError].freeze
  MOST_FRAMES = 100

  def initialize
    @api = RuntimeApi.new
  end

  def run
    ENV.update(@api.assignment) if ARGV.delete('wait')
    handler = load_handler
    result = ''.b
    loop do
      headers, body = @api.next_event(result)
      result, ends = invoke(handler, headers, body)
      $stdout.flush
      next unless ends

      @api.write(result)
      exit!(255)
    end
  end

  private

  def load_handler
    root = ENV['LAMBDA_TASK_ROOT']
    $LOAD_PATH.unshift(root)
    handler = LambdaHandler.new(ENV['_HANDLER'])
    # A function that brings its gems will use them.
    GemsOnDemand.load if ENV['GEM_PATH'].to_s.split(':').any? { |dir| !dir.start_with?('/var/lang/') && File.directory?(dir) }
    require handler.file
    handler
  rescue Exception => e
    error = describe(e, 'Init')
    log('Init error when loading handler ', error)
    @api.write(@api.post('init/error', generate(error), error_type: header_type(e, 'Init')))
    exit!(252)
  end

  # The request that carries the outcome, and whether the runtime ends with it.
  def invoke(handler, headers, body)
    id = $_global_aws_request_id = headers['lambda-runtime-aws-request-id']
    $_global_tenant_id = headers['lambda-runtime-aws-tenant-id']
    if (trace = headers['lambda-runtime-trace-id']) then ENV['_X_AMZN_TRACE_ID'] = trace
    else ENV.delete('_X_AMZN_TRACE_ID')
    end
    event = AwsLambda::Marshaller.marshall_request(RawRequest.new(headers, body))
    answer, type = AwsLambda::Marshaller.marshall_response(handler.call(event, LambdaContext.new(headers)))
    answer = answer.read if answer.respond_to?(:read)
    [@api.post("invocation/#{id}/response", answer, content_type: type || 'application/json'), false]
  rescue NameError => e
    failure(e, 'Critical exception from handler', ends: true)
  rescue StandardError => e
    failure(e, 'Error raised from handler method', ends: false)
  rescue Exception => e
    failure(e, 'Critical exception from handler', ends: true)
  end

  def failure(exception, message, ends:)
    error = describe(exception, 'Function')
    log(message, error)
    type = header_type(exception, 'Function')
    [@api.post("invocation/#{$_global_aws_request_id}/error", generate(error), error_type: type), ends]
  end

  def describe(exception, phase)
    frames = (exception.backtrace || []).reject { |line| line.start_with?(OWN_FRAMES) }
    { errorMessage: exception.message, errorType: "#{phase}<#{exception.class}>", stackTrace: frames.first(MOST_FRAMES) }
  end

  def header_type(exception, phase)
    NAMED_ERRORS.include?(exception.class.to_s) ? "#{phase}<#{exception.class}>" : 'Function<UserException>'
  end

  def log(message, error)
    puts message
    puts JSON.pretty_generate(clean(error))
  end

  def generate(error) = JSON.generate(clean(error))

  def clean(value)
    case value
    when Hash then value.transform_values { |one| clean(one) }
    when Array then value.map { |one| clean(one) }
    else UTF8.of(value)
    end
  end
end

$stdout.sync = true
LambdaRunner.new.run
