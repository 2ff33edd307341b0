#!/usr/bin/env node
import { runNodeJs } from "@bufbuild/protoplugin";
import { protocGenNano } from "./plugin.ts";

runNodeJs(protocGenNano);
