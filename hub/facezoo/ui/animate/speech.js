// A recording of a voice. gradio gives us: element, props (value goes to the server), trigger, upload.
const LARGEST = 50 * 1024 * 1024;
const root = () => element.querySelector('.sound');
let recorder = null;

function pick(value) {
  root().dataset.state = 'busy';
  props.value = value;
  trigger('picked');
}

async function take(file) {
  if (!file) return;
  root().dataset.state = 'busy';
  if (file.size > LARGEST) return pick({ problem: 'size' });
  try {
    pick({ upload: (await upload(file)).path });
  } catch (error) {
    pick({ problem: 'upload' });
  }
}

function trouble(line) {
  element.querySelector('.problem').textContent = line;
}

element.addEventListener('change', event => {
  if (event.target.type !== 'file') return;
  take(event.target.files[0]);
  event.target.value = '';
});
element.addEventListener('click', event => {
  const act = event.target.closest('button')?.dataset.act;
  if (act === 'record') record();
  if (act === 'finish') recorder?.stop();
});
for (const name of ['dragenter', 'dragover']) {
  element.addEventListener(name, event => {
    event.preventDefault();
    root().classList.add('over');
  });
}
element.addEventListener('dragleave', event => {
  if (!element.contains(event.relatedTarget)) root().classList.remove('over');
});
element.addEventListener('drop', event => {
  event.preventDefault();
  root().classList.remove('over');
  take(event.dataTransfer.files[0]);
});

async function record() {
  trouble('');
  if (!navigator.mediaDevices || !window.MediaRecorder) {
    return trouble('This browser gives the page no microphone. Choose a file instead.');
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (error) {
    return trouble('The microphone is not available. Allow it in the browser, or choose a file.');
  }
  const parts = [];
  const began = performance.now();
  recorder = new MediaRecorder(stream);
  recorder.addEventListener('dataavailable', event => parts.push(event.data));
  const clock = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    element.querySelector('.rec').textContent = `${seconds.toFixed(0)} s`;
    const left = !element.isConnected || element.offsetParent === null; // another way was chosen
    if ((left || seconds > Number(root().dataset.longest) - 1) && recorder) recorder.stop();
  }, 250);
  recorder.addEventListener('stop', () => {
    clearInterval(clock);
    stream.getTracks().forEach(track => track.stop());
    const type = recorder.mimeType;
    recorder = null;
    const suffix = type.includes('mp4') ? 'm4a' : type.includes('ogg') ? 'ogg' : 'webm';
    take(new File(parts, `recording.${suffix}`, { type }));
  });
  recorder.start();
  root().dataset.state = 'recording';
  element.querySelector('[data-act=finish]').focus({ preventScroll: true });
}
