# Everything that makes the book, in one image. It builds the site into the folder _build:
#
#   docker build --tag fflib .
#   docker run --rm --volume "$PWD/_build:/book/_build" fflib
#
# Chapters that train on real data find them with --volume DATA:/data --env FFLIB_DATA=/data.
FROM python:3.11-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /book
COPY . .
RUN make venv PYTHON=python
CMD ["make", "book"]
