-- Asks for the balances of members by chance.
local headers = {["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN")}
local paths, threads = {}, 0

function setup(thread)
  threads = threads + 1
  thread:set("me", threads)
end

function init(args)
  math.randomseed(os.time() + me)
  for id in io.lines(os.getenv("BENCH_IDS")) do
    paths[#paths + 1] = "/v1/members/" .. id .. "/balances"
  end
end

function request()
  return wrk.format("GET", paths[math.random(#paths)], headers)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nFIGURES {"requests": %d, "microseconds": %d, "failed": %d, "p50": %d, "p95": %d, "p99": %d}\n',
    summary.requests, summary.duration, errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
