-- For wrk: a signed webhook again and again, each with an id of its own.
-- Arguments: file of the body, signature, mean pause in ms, salt of the ids.
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end
function init(arguments)
  local file = io.open(arguments[1], "rb")
  wrk.method, wrk.body = "POST", file:read("*a")
  file:close()
  pause, count = tonumber(arguments[3]), 0
  salt = arguments[4]
  math.randomseed(os.time())
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["X-GitHub-Event"] = "push"
  wrk.headers["X-Hub-Signature-256"] = arguments[2]
end
function request()
  count = count + 1
  wrk.headers["X-GitHub-Delivery"] = salt .. "-" .. number .. "-" .. count
  return wrk.format()
end
-- Every pause is of another length: else all connections would send at the same time, again and again.
function delay()
  return math.random(0, 2 * pause)
end
function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %f %f\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
