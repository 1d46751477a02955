-- Uses points of members by chance, at once. What doesn't change is in the environment.
local body = os.getenv("BENCH_BODY")
local first, members = tonumber(os.getenv("BENCH_FIRST_CARD")), tonumber(os.getenv("BENCH_MEMBERS"))
local headers = {["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN"), ["Content-Type"] = "application/json"}
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("me", threads)
end

function init(args)
  math.randomseed(os.time() + me)
end

function request()
  return wrk.format("POST", "/v1/redemptions", headers, string.format(body, first + math.random(0, members - 1)))
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nFIGURES {"requests": %d, "microseconds": %d, "failed": %d, "p50": %d, "p95": %d, "p99": %d}\n',
    summary.requests, summary.duration, errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
