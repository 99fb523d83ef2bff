# Go, detected by Seatrial
# - go.mod: a Go module
# - cmd/shop/main.go: its main package is built
# - go.mod: asks for Go 1.23.4

FROM golang:1.23.4 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -o /out/shop ./cmd/shop

FROM alpine:3
WORKDIR /app
RUN adduser -D -u 1000 app && chown app:app /app
COPY --chown=app:app . .
COPY --from=build /out/shop ./bin/
USER app
ENV PATH=/app/bin:$PATH
ENV PORT=8080
CMD ["/app/bin/shop"]
